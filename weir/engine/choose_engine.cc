#include "weir/engine/choose_engine.h"

#include <algorithm>
#include <utility>

#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/engine/answers.h"
#include "weir/text/confidence.h"

namespace weir::engine {
namespace {

using model::Choice;
using model::Reply;

constexpr std::int64_t kOwnOnly = 0;     // the log-probability of the token itself
constexpr std::int64_t kMostCalls = 64;  // for one, of an API that gives one answer each

std::int64_t Wanted(const model::Call& call) { return call.sampling.n.value_or(1); }

// Whether there is something to choose.
bool Chooses(const model::Call& call) {
  return !call.sampling.beam_width && call.sampling.best_of.value_or(1) > Wanted(call);
}

// What the server is asked instead.
Result<model::Call> Plain(const model::Call& call) {
  model::Call asked = call;
  model::Sampling& sampling = asked.sampling;
  if (sampling.best_of && !sampling.beam_width) {
    if (*sampling.best_of < Wanted(call)) {
      return Fail(Code::kInvalidRequest,
                  StrCat("best_of is ", *sampling.best_of, ", which is less than the ",
                         Wanted(call), " answers that are wanted (n): raise it, or lower n"));
    }
    if (sampling.best_of > 1) sampling.n = sampling.best_of;
    sampling.best_of.reset();
  }
  const bool needed = Chooses(call) || call.confidence.wanted();
  if (needed && !sampling.logprobs) sampling.logprobs = kOwnOnly;
  return asked;
}

text::ConfidenceOptions OptionsFor(const model::Call& call, const Reply& reply) {
  using enum model::Constraint::Kind;
  text::ConfidenceOptions options;
  options.structured = call.constraint && (call.constraint->kind == kJsonSchema ||
                                           call.constraint->kind == kJsonObject);
  if (call.api == model::Api::kCompletions && call.echo.value_or(false)) {
    options.echoed_tokens =
        static_cast<std::size_t>(std::max<std::int64_t>(0, reply.usage.prompt_tokens.value_or(0)));
  }
  return options;
}

void Degrade(Reply& reply, std::string what, std::string why, bool routine = false) {
  reply.info.degradations.push_back(
      {.what = std::move(what), .why = std::move(why), .routine = routine});
}

// Puts the best candidates into `choices`, the rest into `others`.
void Choose(Reply& reply, const model::Call& call) {
  const text::ConfidenceOptions options = OptionsFor(call, reply);
  std::vector<std::pair<std::optional<double>, std::size_t>> ranks;  // mean and place
  ranks.reserve(reply.choices.size());
  for (const Choice& choice : reply.choices) {
    ranks.emplace_back(text::MeanLogprob(choice, options), ranks.size());
  }
  // An unknown mean is behind all others.
  std::ranges::sort(ranks, [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  const std::size_t asked = static_cast<std::size_t>(*call.sampling.best_of);
  if (ranks.size() > 1 && !ranks.front().first) {
    Degrade(reply, "best_of",
            StrCat("the server sent no log-probabilities, so that the ", ranks.size(),
                   " candidates could not be ranked: the first is kept"));
  }
  if (ranks.size() < asked) {
    Degrade(reply, "best_of",
            StrCat(asked, " candidates were asked for, and ", ranks.size(), " came"));
  }
  std::vector<Choice> candidates = std::exchange(reply.choices, {});
  for (std::size_t rank = 0; rank < ranks.size(); ++rank) {
    Choice& choice = candidates[ranks[rank].second];
    choice.index = static_cast<std::int64_t>(rank);
    const bool chosen = choice.index < Wanted(call);
    (chosen ? reply.choices : reply.others).push_back(std::move(choice));
  }
}

void FillConfidence(Reply& reply, const model::Call& call) {
  const text::ConfidenceOptions options = OptionsFor(call, reply);
  for (std::vector<Choice>* const choices : {&reply.choices, &reply.others}) {
    for (Choice& choice : *choices) choice.confidence = text::ConfidenceOf(choice, options);
  }
  if (!reply.choices.empty() && !reply.choices.front().confidence) {
    Degrade(reply, "confidence",
            "the server sent no log-probabilities: how sure the answer is, is not known");
  }
}

// Passes a stream on and knows at its end how sure it was.
class SureStream final : public model::ReplyStream {
 public:
  SureStream(std::unique_ptr<model::ReplyStream> next, model::Call call)
      : next_(std::move(next)), call_(std::move(call)) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    WEIR_CO_TRY(const bool more, co_await next_->Next(ctx, piece));
    if (more) {
      heard_.Add(piece);
    } else if (!end_) {
      end_ = EndOf(std::move(heard_).Finish(next_->info()));
    }
    co_return more;
  }

  model::ReplyInfo info() const override { return end_ ? *end_ : next_->info(); }

 private:
  model::ReplyInfo EndOf(Reply reply) const {
    FillConfidence(reply, call_);
    for (Choice& choice : reply.choices) {
      reply.info.confidences.push_back(std::move(choice.confidence));
    }
    return std::move(reply.info);
  }

  const std::unique_ptr<model::ReplyStream> next_;
  const model::Call call_;
  model::Assembler heard_;
  std::optional<model::ReplyInfo> end_;
};

void DropTokens(Reply& reply) {
  for (std::vector<Choice>* const choices : {&reply.choices, &reply.others}) {
    for (Choice& choice : *choices) choice.tokens.clear();
  }
}

void Add(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

// What all of them used; what one did not tell is missing.
void Add(model::Usage& sum, const model::Usage& more) {
  Add(sum.prompt_tokens, more.prompt_tokens);
  Add(sum.completion_tokens, more.completion_tokens);
  Add(sum.total_tokens, more.total_tokens);
  Add(sum.cached_tokens, more.cached_tokens);
  Add(sum.reasoning_tokens, more.reasoning_tokens);
}

// Answers to the same call become choices of one reply, in their order.
Result<Reply> Joined(std::vector<Result<Reply>> replies) {
  std::optional<Reply> whole;
  for (Result<Reply>& reply : replies) {
    if (!reply) continue;
    if (!whole) {
      whole = *std::move(reply);
      continue;
    }
    Add(whole->usage, reply->usage);
    std::ranges::move(reply->choices, std::back_inserter(whole->choices));
    std::ranges::move(reply->info.attempts, std::back_inserter(whole->info.attempts));
    std::ranges::move(reply->info.repairs, std::back_inserter(whole->info.repairs));
    whole->info.first_token = std::min(whole->info.first_token, reply->info.first_token);
    whole->info.total = std::max(whole->info.total, reply->info.total);
  }
  if (!whole) return std::move(replies.front());
  for (std::size_t i = 0; i < whole->choices.size(); ++i) {
    whole->choices[i].index = static_cast<std::int64_t>(i);
  }
  return *std::move(whole);
}

async::Task<void> AskOne(async::Context ctx, model::Engine& engine, const model::Call& call,
                         Result<Reply>& out) {
  out = co_await engine.Call(ctx, call);
}

class ChooseEngine final : public model::Engine {
 public:
  ChooseEngine(std::shared_ptr<model::Engine> next, bool several)
      : next_(std::move(next)), several_(several) {}

  async::Task<Result<Reply>> Call(async::Context ctx, const model::Call& call) override {
    const bool wants = call.confidence.wanted();
    const bool plain = !call.sampling.best_of && !wants && !MustSplit(call);
    return plain ? next_->Call(ctx, call) : CallAndChoose(ctx, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    if (Chooses(call) || MustSplit(call)) return Gathered(ctx, call);
    const bool wants = call.confidence.wanted();
    return call.sampling.best_of || wants ? PlainStream(ctx, call) : next_->Stream(ctx, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  // Whether several answers are wanted of an API that gives one.
  bool MustSplit(const model::Call& call) const {
    const bool one_only = !several_ || call.api == model::Api::kResponses;
    return one_only && !call.sampling.beam_width && Wanted(call) > 1;
  }

  // `n` calls for one answer each.
  async::Task<Result<Reply>> CallEach(async::Context ctx, const model::Call& call) {
    if (Wanted(call) > kMostCalls) {
      co_return Fail(Code::kInvalidRequest,
                     StrCat(Wanted(call),
                            " answers are asked for, which this API would be asked for "
                            "one by one: ",
                            kMostCalls, " at most"));
    }
    const auto count = static_cast<std::size_t>(Wanted(call));
    std::vector<model::Call> calls(count, call);
    std::vector<Result<Reply>> replies(count, Fail(async::CancelledError()));
    async::TaskScope scope(ctx);
    for (std::size_t i = 0; i < count; ++i) {
      model::Sampling& sampling = calls[i].sampling;
      sampling.n.reset();
      if (sampling.seed) sampling.seed = *sampling.seed + static_cast<std::int64_t>(i);
      scope.Spawn(AskOne(scope.context(), *next_, calls[i], replies[i]));
    }
    co_await scope.Join();
    Result<Reply> joined = Joined(std::move(replies));
    co_return joined;
  }

  async::Task<Result<Reply>> CallAndChoose(async::Context ctx, const model::Call& call) {
    async::Span span(ctx, "engine.choose");
    WEIR_CO_TRY(const model::Call asked, Plain(call));
    async::Task<Result<Reply>> asking =
        MustSplit(asked) ? CallEach(span.context(), asked) : next_->Call(span.context(), asked);
    Result<Reply> reply = co_await asking;
    if (!reply) {
      Error error = reply.error();
      if (Chooses(call) && error.code == Code::kUnsupportedParam) {
        StrAppend(error.message, "; best_of asks for its candidates with n");
      }
      span.Fail(error);
      co_return Fail(std::move(error));
    }
    const auto came = static_cast<std::int64_t>(reply->choices.size());
    if (Chooses(call)) {
      Choose(*reply, call);
    } else if (MustSplit(asked) && came < Wanted(asked)) {
      Degrade(*reply, "n", StrCat(Wanted(asked), " answers were asked for, and ", came, " came"));
    }
    if (call.confidence.wanted()) {
      FillConfidence(*reply, call);
    } else if (!call.sampling.logprobs) {
      DropTokens(*reply);
    }
    co_return reply;
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Gathered(async::Context ctx,
                                                                    const model::Call& call) {
    WEIR_CO_TRY(Reply reply, co_await CallAndChoose(ctx, call));
    Degrade(reply, "stream",
            Chooses(call) ? "best_of is chosen of whole answers: this one came in one piece"
                          : "several answers were asked for one by one: they came in one piece",
            true);
    co_return NewBufferedStream(std::move(reply));
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> PlainStream(async::Context ctx,
                                                                       const model::Call& call) {
    WEIR_CO_TRY(const model::Call asked, Plain(call));
    WEIR_CO_TRY(auto stream, co_await next_->Stream(ctx, asked));
    if (call.confidence.wanted()) {
      stream = std::make_unique<SureStream>(std::move(stream), call);
    }
    co_return stream;
  }

  const std::shared_ptr<model::Engine> next_;
  const bool several_;  // false: each call gives one answer
};

}  // namespace

std::unique_ptr<model::Engine> NewChooseEngine(std::shared_ptr<model::Engine> next, bool several) {
  return std::make_unique<ChooseEngine>(std::move(next), several);
}

}  // namespace weir::engine
