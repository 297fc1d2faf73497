#include "weir/engine/doctor_facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/wire/codec.h"

namespace weir::engine {
namespace {

constexpr std::int64_t kSecondsPerDay = 24 * 3600;
constexpr std::int64_t kFewDays = 14;     // to renew a certificate in
constexpr std::int64_t kSmallSkew = 2;    // seconds; a Date has no finer unit than one
constexpr std::int64_t kLargeSkew = 30;   // seconds
constexpr double kFullCache = 0.95;       // above it, requests are preempted
constexpr std::size_t kShownAnswer = 80;  // bytes

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that servers may send today.
std::optional<std::int64_t> ParseDate(std::string_view text) {
  std::tm time{};
  const std::string whole(text);
  const char* end = ::strptime(whole.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&time);
}

std::string Seconds(std::int64_t seconds) {
  return FormatMillis(std::min(std::abs(seconds), kSecondsPerDay * 10'000) * 1000);
}

bool HoldsAny(std::string_view text, std::span<const std::string_view> markers) {
  return std::ranges::any_of(
      markers, [&](std::string_view marker) { return text.find(marker) != text.npos; });
}

std::string IgnoredRemedy(wire::ServerKind kind) {
  switch (kind) {
    case wire::ServerKind::kVllm:
      return "check that `dialect:` is not set to another version, that no gateway in front of the "
             "server drops fields it does not know, and that the server was not started with a "
             "broken --structured-outputs-config.backend (before 0.11: --guided-decoding-backend); "
             "`auto` is right for most models. Until then weir checks every answer and asks again";
    case wire::ServerKind::kOpenAi:
      return "choose a model that supports structured outputs, or another server; if it knows only "
             "json_object, say so with `structured: json_object`. Until then weir checks every "
             "answer and asks again";
    case wire::ServerKind::kOllama:
      return "update Ollama (formats by schema came with 0.5), or choose another model. Until then "
             "weir checks every answer and asks again";
  }
  std::unreachable();
}

}  // namespace

std::string_view VerdictName(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kNote:
      return "note";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kSkipped:
      return "skipped";
  }
  std::unreachable();
}

std::string Took(Duration time) {
  const double millis = std::chrono::duration<double, std::milli>(time).count();
  if (millis >= 10) return FormatMillis(static_cast<std::int64_t>(millis));
  return StrCat(std::floor(millis * 10) / 10, " ms");
}

Finding Failure(std::string_view step, const Error& error, std::string_view remedy) {
  Finding finding{.step = std::string(step),
                  .verdict = Verdict::kFailed,
                  .what = error.message,
                  .remedy = std::string(remedy),
                  .detail = error.cause,
                  .error = error};
  const std::string_view said = wire::ServersWords(error.message);
  if (!said.empty()) {
    finding.detail = said.substr(2);
    finding.what.resize(error.message.size() - said.size());
  }
  const std::size_t advice = finding.what.find("; ");
  if (advice != finding.what.npos) {
    if (remedy.empty()) finding.remedy = finding.what.substr(advice + 2);
    finding.what.resize(advice);
  }
  if (!finding.detail.empty()) StrAppend(finding.what, " [", finding.detail, "]");
  return finding;
}

Finding JudgeCertificate(const http::TlsReport& report, std::int64_t wall_nanos) {
  Finding finding{.step = "tls"};
  finding.what = StrCat(report.version, ", certificate of ", report.subject, " by ",
                        report.subject == report.issuer ? "itself" : report.issuer);
  if (!report.expires) return finding;
  const std::int64_t seconds = *report.expires - wall_nanos / kNanosPerSecond;
  const std::int64_t days = seconds / kSecondsPerDay;
  StrAppend(finding.what, ", good for ", days, days == 1 ? " day" : " days");
  finding.detail = StrCat("expires ", FormatWallTime(*report.expires * kNanosPerSecond));
  if (seconds <= 0) {  // only where verification is off
    finding.verdict = Verdict::kWarning;
    finding.what = StrCat(report.version, ", certificate of ", report.subject, " is out of date");
    finding.remedy = "renew it; it is accepted only because tls.verify is false";
  } else if (days < kFewDays) {
    finding.verdict = Verdict::kWarning;
    finding.remedy = "renew the server's certificate before that day, or every call will fail";
  }
  return finding;
}

Finding JudgeClock(std::string_view date, std::int64_t wall_nanos) {
  Finding finding{.step = "clock"};
  const std::optional<std::int64_t> theirs = ParseDate(date);
  if (!theirs) {
    finding.verdict = Verdict::kSkipped;
    finding.what = date.empty() ? std::string("the server sends no Date")
                                : StrCat("the server's Date cannot be read: ", date);
    return finding;
  }
  const std::int64_t skew = *theirs - wall_nanos / kNanosPerSecond;
  if (std::abs(skew) <= kSmallSkew) {
    finding.what = "the server's clock and ours agree";
    return finding;
  }
  finding.what =
      StrCat("the server's clock is ", Seconds(skew), skew > 0 ? " ahead of" : " behind", " ours");
  if (std::abs(skew) <= kLargeSkew) {
    finding.verdict = Verdict::kNote;
    return finding;
  }
  finding.verdict = Verdict::kWarning;
  finding.remedy =
      "set both clocks by NTP (timedatectl set-ntp true); certificates, dates in Retry-After and "
      "the times in logs depend on them";
  return finding;
}

std::optional<Finding> JudgeLoad(const wire::ServerLoad& load) {
  if (!load.running && !load.waiting) return std::nullopt;
  const double waiting = load.waiting.value_or(0);
  Finding finding{.step = "load"};
  finding.what = StrCat(load.running.value_or(0), " requests run, ", waiting, " wait");
  if (load.kv_use) {
    StrAppend(finding.what, ", KV cache ", std::round(*load.kv_use * 1000) / 10, " % full");
  }
  if (waiting > 0 || load.kv_use.value_or(0) > kFullCache) {
    finding.verdict = Verdict::kNote;
    finding.remedy =
        "answers will be slow while others are served: fewer calls at once "
        "(limits.max_in_flight), or another replica";
  }
  return finding;
}

Finding JudgeProbe(std::string_view step, std::string_view what, const ProbeCount& count,
                   wire::ServerKind kind) {
  const int tries = count.obeyed + count.broke + count.cut;
  Finding finding{.step = std::string(step)};
  finding.what =
      StrCat(count.obeyed, " of ", tries, " answers to a prompt for prose kept to the ", what);
  if (!count.example.empty()) {
    finding.detail = StrCat("one that did not: ", Truncate(count.example, kShownAnswer));
  }
  if (count.obeyed >= kProbeMustObey) {
    if (count.broke == 0) return finding;
    finding.verdict = Verdict::kWarning;
    finding.remedy =
        "weir checks every answer and asks again; leave `structured.max_attempts` above 1";
    return finding;
  }
  if (count.broke == 0) {
    finding.verdict = Verdict::kWarning;
    StrAppend(finding.what, "; the others were cut while the model was thinking");
    finding.remedy = "give calls with a constraint a larger max_tokens, or switch thinking off";
    return finding;
  }
  finding.verdict = Verdict::kFailed;
  finding.what = StrCat("the server accepts a ", what, " and does not keep it: ", finding.what);
  finding.remedy = IgnoredRemedy(kind);
  finding.error = Error{.code = Code::kConstraintViolated, .message = finding.what};
  return finding;
}

bool HoldsThoughts(std::string_view text) {
  static constexpr auto kMarkers =
      std::to_array<std::string_view>({"<think>", "</think>", "[THINK]", "[/THINK]", "<seed:think>",
                                       "<mm:think>", "<|channel|>analysis", "<|channel>thought",
                                       "<|START_THINKING|>", "Here is my thought process:"});
  return HoldsAny(text, kMarkers);
}

bool HoldsToolCall(std::string_view text) {
  static constexpr auto kMarkers = std::to_array<std::string_view>(
      {"<tool_call", "<|tool_call", "[TOOL_CALLS]", "<|python_tag|>", "<function_call",
       "<function=", "<｜tool▁call", "<｜DSML｜", "<minimax:tool_call>", "<seed:tool_call>",
       "functools[", "<|channel|>commentary", "\"name\": \"get_weather\"",
       "\"name\":\"get_weather\"", "[get_weather("});
  return HoldsAny(text, kMarkers);
}

}  // namespace weir::engine
