#include "weir/jobs/store_rules.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <unordered_set>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/writer.h"

namespace weir::jobs {
namespace {

// A rate is saved up for a second, but of a high one not all of it is let go at once: as much as
// lets a worker keep up with it that cannot look more than some times in a second.
constexpr double kMostAtOnce = 10;
constexpr double kLooksInASecond = 5;
constexpr std::size_t kLongestName = 1000;  // that an index takes
constexpr std::int64_t kMillis = 1'000'000;

// `what` is "the row", `whose` is "the job 17 of this batch (key abc)".
Result<void> CheckText(std::string_view text, std::string_view what, const std::string& whose) {
  if (text.find('\0') != std::string_view::npos) {
    return Fail(Code::kInvalidRequest,
                StrCat(what, " of ", whose, " has a NUL byte in it; take it out"));
  }
  if (!IsUtf8(text)) {
    return Fail(Code::kInvalidRequest, StrCat(what, " of ", whose, " is not UTF-8; convert it"));
  }
  return {};
}

}  // namespace

Result<void> CheckQueue(const QueueSpec& spec) {
  const std::string whose = StrCat("the queue ", Truncate(spec.name, 100));
  if (spec.name.empty() || spec.name.size() > kLongestName) {
    return Fail(Code::kInvalidRequest,
                StrCat("the name of a queue takes 1 to ", kLongestName, " bytes"));
  }
  WEIR_CHECK(CheckText(spec.name, "the name", "a queue"));
  WEIR_CHECK(CheckText(spec.flow, "the flow", whose));
  WEIR_CHECK(CheckText(spec.digest, "the digest", whose));
  if (spec.concurrency && *spec.concurrency < 1) {
    return Fail(Code::kInvalidRequest, StrCat("the concurrency of ", whose, " is at least 1"));
  }
  if (spec.rate && !(*spec.rate > 0 && std::isfinite(*spec.rate))) {
    return Fail(Code::kInvalidRequest, StrCat("the rate of ", whose, " is more than 0"));
  }
  if (spec.max_crashes < 1 || spec.max_attempts < 1) {
    return Fail(Code::kInvalidRequest,
                StrCat("max_crashes and max_attempts of ", whose, " are at least 1"));
  }
  return {};
}

Result<void> CheckNewQueue(const QueueSpec& spec) {
  const bool shows = std::ranges::none_of(
      spec.name, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
  if (shows && !spec.name.contains('/') && !spec.name.starts_with('.')) return {};
  std::string quoted;
  json::AppendQuoted(quoted, Truncate(spec.name, 100));
  return Fail(Code::kInvalidRequest,
              StrCat("a queue cannot be called ", quoted,
                     ": its name does not begin with a dot and has neither '/' nor control "
                     "characters; name another with -q, or with `name` in the flow"));
}

Result<void> CheckJobs(std::span<const NewJob> jobs) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const NewJob& job = jobs[i];
    const std::string number = StrCat("the job ", i + 1, " of this batch");
    WEIR_CHECK(CheckText(job.row_id, "the id", number));
    const std::string whose = StrCat(number, " (id ", Truncate(job.row_id, 100), ")");
    if (job.key.empty() || job.key.size() > kLongestName) {
      return Fail(Code::kInvalidRequest, StrCat("the key of ", whose, " has ", job.key.size(),
                                                " bytes; it takes 1 to ", kLongestName));
    }
    WEIR_CHECK(CheckText(job.key, "the key", whose));
    WEIR_CHECK(CheckText(job.row, "the row", whose));
  }
  return {};
}

Result<void> CheckWorker(const WorkerSpec& spec) {
  WEIR_CHECK(CheckText(spec.name, "the name", "a worker"));
  if (spec.lease < std::chrono::milliseconds(1)) {
    return Fail(Code::kInvalidRequest, "the lease of a worker is at least a millisecond");
  }
  return {};
}

Result<void> CheckEnded(std::span<const Ended> ended) {
  std::unordered_set<JobId> seen;
  for (const Ended& one : ended) {
    const std::string whose = StrCat("the job ", one.id);
    if (!seen.insert(one.id).second) {
      return Fail(Code::kInvalidRequest, StrCat(whose, " ended twice in one batch"));
    }
    WEIR_CHECK(CheckText(one.result, "the result", whose));
    WEIR_CHECK(CheckText(one.metadata, "the metadata", whose));
    WEIR_CHECK(CheckText(one.attempts, "the attempt records", whose));
    WEIR_CHECK(CheckText(one.error, "the error", whose));
    WEIR_CHECK(CheckText(one.message, "the message", whose));
    const std::string_view attempts = Trim(one.attempts);
    if (!attempts.empty() && !(attempts.starts_with('[') && attempts.ends_with(']'))) {
      return Fail(Code::kInvalidRequest,
                  StrCat("the attempt records of ", whose, " are no JSON array"));
    }
    if (one.tries < 0) {
      return Fail(Code::kInvalidRequest, StrCat("the tries of ", whose, " are negative"));
    }
  }
  return {};
}

Result<void> CheckSelection(const Selection& selection) {
  return CheckText(selection.error, "the error", "a selection of jobs");
}

Result<void> CheckVariant(const Variant& variant) {
  const std::string whose = StrCat("the variant ", Truncate(variant.variant, 100));
  if (variant.agent.empty() || variant.variant.empty() ||
      variant.agent.size() + variant.variant.size() > kLongestName) {
    return Fail(
        Code::kInvalidRequest,
        StrCat("a variant needs its agent and a name, together at most ", kLongestName, " bytes"));
  }
  WEIR_CHECK(CheckText(variant.agent, "the agent", "a variant"));
  WEIR_CHECK(CheckText(variant.variant, "the name", "a variant"));
  return CheckText(variant.config, "the configuration", whose);
}

Allowance MostNow(const QueueLimits& limits, int most, std::int64_t running, std::int64_t now_ms) {
  Allowance allowed;
  if (limits.concurrency) {
    most = static_cast<int>(std::min<std::int64_t>(most, *limits.concurrency - running));
  }
  allowed.most = std::max(0, most);
  if (!limits.rate) return allowed;
  const double rate = *limits.rate;
  const auto passed = static_cast<double>(std::max<std::int64_t>(0, now_ms - limits.tokens.at_ms));
  const double full = std::max(std::min(std::ceil(rate), kMostAtOnce), rate / kLooksInASecond);
  const double left = std::min(full, limits.tokens.left + passed / 1000 * rate);
  allowed.tokens = {left, now_ms};
  // What rounding alone takes from a whole one is no reason to wait.
  const double whole = std::floor(left + 1e-6);
  if (whole < allowed.most) {
    allowed.most = static_cast<int>(whole);
    const double wait = std::min((whole + 1 - left) / rate * 1000, 1e12);
    allowed.next_at = now_ms + static_cast<std::int64_t>(std::ceil(wait));
  }
  return allowed;
}

int TriesOf(const Ended& ended) {
  return std::max(ended.tries, ended.how == Ended::How::kBack ? 0 : 1);
}

JobState StateAfter(const Ended& ended, bool cancel_asked, bool last_attempt) {
  if (cancel_asked) return JobState::kCancelled;
  switch (ended.how) {
    case Ended::How::kDone:
      return JobState::kDone;
    case Ended::How::kFailed:
      return JobState::kFailed;
    case Ended::How::kAgain:
      if (last_attempt) return JobState::kFailed;
      break;
    case Ended::How::kBack:
      break;
  }
  return ended.delay > Duration::zero() ? JobState::kWaiting : JobState::kQueued;
}

std::string StatesSql(const std::vector<JobState>& states) {
  if (states.empty()) return "";
  std::vector<int> sorted;
  sorted.reserve(states.size());
  for (const JobState state : states) sorted.push_back(static_cast<int>(state));
  std::ranges::sort(sorted);
  std::string sql = " AND state IN (";
  for (std::size_t i = 0; i < sorted.size(); ++i) StrAppend(sql, i == 0 ? "" : ",", sorted[i]);
  return sql + ")";
}

std::vector<JobState> Among(const Selection& selection, std::span<const JobState> allowed) {
  std::vector<JobState> states;
  for (const JobState state : allowed) {
    if (selection.states.empty() ||
        std::ranges::find(selection.states, state) != selection.states.end()) {
      states.push_back(state);
    }
  }
  return states;
}

std::int64_t CeilMillis(Duration duration) {
  const std::int64_t nanos = duration.count();
  return nanos <= 0 ? 0 : nanos / kMillis + (nanos % kMillis == 0 ? 0 : 1);
}

std::int64_t WallMillis() { return SystemClock().WallNanos() / kMillis; }

std::string JoinArrays(std::span<const std::string> arrays) {
  std::string joined;
  for (const std::string& array : arrays) {
    std::string_view inner = Trim(array);
    if (inner.size() < 2) continue;
    inner = Trim(inner.substr(1, inner.size() - 2));
    if (!inner.empty()) StrAppend(joined, joined.empty() ? "" : ",", inner);
  }
  return joined.empty() ? "" : StrCat("[", joined, "]");
}

std::unexpected<Error> NoVariant(const Variant& variant, const std::string& where) {
  return Fail(Code::kConfigError,
              StrCat("the store ", where, " has no variant ", variant.variant, " of ",
                     variant.agent, "; give its configuration to write one"));
}

std::unexpected<Error> WrongVersion(const std::string& where, int version, int known) {
  if (version > known) {
    return Fail(
        Code::kConfigError,
        StrCat("the store ", where, " was made by a newer weir: its schema has the version ",
               version, ", and this weir knows ", known, "; use the newer weir for it"));
  }
  return Fail(Code::kConfigError, StrCat("the schema of the store ", where, " has the version ",
                                         version, ", and this weir needs ", known,
                                         "; bring it up to date with `weir jobs migrate`"));
}

}  // namespace weir::jobs
