#include "weir/sim/performance.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"

namespace weir::sim {
namespace {

bool Finished(const Part& part) { return std::ranges::all_of(part.authors, &Author::finished); }

Ended EndOf(const Author& author) {
  switch (author.finish()) {
    case model::Finish::kLength:
      return Ended::kLength;
    case model::Finish::kRepetition:
      return Ended::kRepetition;
    case model::Finish::kAbort:
      return Ended::kAbort;
    default:
      return Ended::kStop;
  }
}

// The details of usage that our own words have no place for, as a client finds them.
json::Value CacheWrites(std::int64_t cached, std::int64_t created) {
  json::Builder out;
  out.BeginObject();
  out.Key("prompt_tokens_details");
  out.BeginObject();
  out.Key("cached_tokens");
  out.Int(cached);
  out.Key("created_cache_tokens");
  out.Int(created);
  out.EndObject();
  out.EndObject();
  return std::move(out).Finish();
}

std::int64_t Written(const Part& part) {
  std::int64_t written = 0;
  for (const Author& author : part.authors) written += author.written();
  return written;
}

}  // namespace

Performance::Performance(std::vector<Part> parts, PerformanceOptions options)
    : parts_(std::move(parts)), done_(parts_.size(), false), options_(std::move(options)) {
  for (const Part& part : parts_) {
    prompt_tokens_ += static_cast<std::int64_t>(part.request.prompt.size());
  }
  if (!parts_.empty()) {
    first_prompt_ = static_cast<std::int64_t>(parts_.front().request.prompt.size());
  }
}

void Performance::Name(std::string_view id, bool numbered) {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    parts_[i].request.id = numbered ? StrCat(id, "-", i) : std::string(id);
  }
}

async::Task<Result<void>> Performance::Prepare(async::Context ctx) {
  std::int64_t left = kTriedTokens;
  for (Part& part : parts_) {
    for (Author& author : part.authors) {
      for (;;) {
        const Result<bool> ready = author.Prepare(left);
        if (!ready) co_return Fail(ready.error());
        if (*ready) break;
        WEIR_CO_CHECK(co_await async::Sleep(ctx, Duration::zero()));
      }
    }
  }
  co_return Result<void>();
}

Result<void> Performance::Enter(const async::Context& ctx, Scheduler& scheduler) {
  turns_.reserve(parts_.size());
  for (Part& part : parts_) {
    WEIR_TRY(Scheduler::Turn turn, scheduler.Enter(ctx, std::move(part.request)));
    turns_.push_back(std::move(turn));
  }
  return {};
}

async::Task<Result<bool>> Performance::Next(async::Context ctx, std::size_t run,
                                            std::vector<model::Delta>& out) {
  std::vector<model::Delta>& said = options_.at_once ? kept_ : out;
  bool open = false;
  // What costs no time never waits, but it is not alone either: a whole answer may be long.
  if (steps_ > 0 && turns_.front().instant()) {
    WEIR_CO_CHECK(co_await async::Sleep(ctx, Duration::zero()));
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (done_[i]) continue;
    open = true;
    Result<bool> due = co_await turns_[i].Step(ctx);
    if (!due) co_return Fail(due.error());
    due_ = ctx.Now() - turns_[i].lateness();
    if (!*due) {
      OpenAll(parts_[i], out);
      Abort(parts_[i], said);
      done_[i] = true;
      continue;
    }
    const std::size_t now = turns_[i].instant() ? run : 1;
    if (parts_[i].authors.size() > 1 && !options_.at_once) OpenAll(parts_[i], out);
    std::int64_t more = 0;  // tokens of the steps behind the one that Step() has counted
    if (options_.in_one && now > 1) {
      more = WriteInOne(parts_[i], now, said);
      steps_ += i == 0 ? now : 0;
    } else {
      for (std::size_t step = 0; step < now && !Finished(parts_[i]); ++step) {
        const std::size_t written = WriteStep(parts_[i], said);
        more += step == 0 ? 0 : static_cast<std::int64_t>(written);
        steps_ += i == 0 ? 1 : 0;
      }
    }
    if (more > 0) turns_[i].Wrote(more);
    if (!Finished(parts_[i])) continue;
    Close(parts_[i], turns_[i]);
    done_[i] = true;
  }
  if (!kept_.empty() && std::ranges::find(done_, false) == done_.end()) {
    for (const Part& part : parts_) OpenAll(part, out);
    std::ranges::move(std::exchange(kept_, {}), std::back_inserter(out));
  }
  co_return open;
}

// How many answers wrote a token.
std::size_t Performance::WriteStep(Part& part, std::vector<model::Delta>& out) {
  std::size_t written = 0;
  for (Author& author : part.authors) {
    if (author.finished()) continue;
    model::Delta& delta = DeltaOf(part, author, out);
    author.Write(delta);
    if (options_.continuous_usage) delta.usage = UsageOf(author);
    ++written;
  }
  return written;
}

// One delta for each answer, with all that it writes in so many steps. How many tokens that is,
// beyond one for each answer.
std::int64_t Performance::WriteInOne(Part& part, std::size_t steps,
                                     std::vector<model::Delta>& out) {
  std::int64_t more = 0;
  for (Author& author : part.authors) {
    if (author.finished()) continue;
    model::Delta& delta = DeltaOf(part, author, out);
    for (std::size_t step = 0; step < steps && !author.finished(); ++step) {
      author.Write(delta);
      more += step == 0 ? 0 : 1;
    }
  }
  return more;
}

// Where the next words of an answer go. The first delta brings more than the author's words.
model::Delta& Performance::DeltaOf(const Part& part, const Author& author,
                                   std::vector<model::Delta>& out) {
  if (options_.at_once) {
    const auto kept = std::ranges::find(out, author.index(), &model::Delta::choice);
    if (kept != out.end()) return *kept;
  }
  model::Delta& delta = out.emplace_back();
  delta.choice = author.index();
  if (author.written() > 0) return delta;
  delta.refusal = options_.refusal;
  delta.extra = OpeningOf(part);
  return delta;
}

json::Value Performance::OpeningOf(const Part& part) const {
  const auto place = static_cast<std::size_t>(&part - parts_.data());
  return place < options_.openings.size() ? options_.openings[place] : json::Value();
}

// A server that tells the roles does so for all answers, before the first word of any.
void Performance::OpenAll(const Part& part, std::vector<model::Delta>& out) {
  if (!options_.opened_first || std::exchange(opened_, true)) return;
  for (const Author& author : part.authors) {
    model::Delta& delta = out.emplace_back();
    delta.choice = author.index();
    delta.has_choice = true;
    delta.extra = OpeningOf(part);
    if (options_.continuous_usage) delta.usage = UsageOf(author);
  }
}

void Performance::Close(Part& part, Scheduler::Turn& turn) {
  std::vector<Ended> each;
  if (part.authors.size() > 1) {
    for (const Author& author : part.authors) each.push_back(EndOf(author));
  }
  const Author& first = part.authors.front();
  turn.Finish(EndOf(first), Written(part), first.tokens(), each);
}

// A request that the server gives up says so in a whole answer, and in a stream that has begun to
// speak; another stream just ends.
void Performance::Abort(Part& part, std::vector<model::Delta>& out) {
  for (Author& author : part.authors) {
    const bool mute = author.written() == 0;
    if (author.finished() || (mute && !options_.in_one)) continue;
    model::Delta& delta = DeltaOf(part, author, out);
    if (mute) delta.refusal.clear();
    author.Abort(delta);
    if (options_.continuous_usage) delta.usage = UsageOf(author);
  }
}

model::Usage Performance::UsageOf(const Author& author) const {
  model::Usage usage;
  usage.prompt_tokens = prompt_tokens_;
  usage.completion_tokens = author.written();
  usage.total_tokens = prompt_tokens_ + author.written();
  return usage;
}

model::Usage Performance::usage() const {
  model::Usage usage;
  std::int64_t written = 0;
  std::int64_t thought = 0;
  for (const Part& part : parts_) {
    for (const Author& author : part.authors) {
      written += author.written();
      thought += author.thought();
    }
  }
  usage.prompt_tokens = prompt_tokens_;
  usage.completion_tokens = written;
  usage.total_tokens = prompt_tokens_ + written;
  if (options_.cached_shown && !turns_.empty()) {
    const std::int64_t cached = turns_[0].cached_tokens();
    if (cached > 0 || options_.nothing_cached_shown) usage.cached_tokens = cached;
    if (options_.cache_block > 0) {
      const std::int64_t kept = first_prompt_ / options_.cache_block * options_.cache_block;
      usage.extra = CacheWrites(cached, std::max<std::int64_t>(0, kept - cached));
    }
  }
  if (options_.thoughts_counted) usage.reasoning_tokens = thought;
  return usage;
}

}  // namespace weir::sim
