#include "weir/engine/budget_engine.h"

#include <algorithm>
#include <mutex>

#include "weir/async/semaphore.h"
#include "weir/base/counts.h"
#include "weir/base/text.h"
#include "weir/text/token_estimate.h"

namespace weir::engine {
namespace {

using Reservation = SharedBudget::Reservation;

constexpr Duration kWindowLifetime = std::chrono::minutes(10);
constexpr Duration kWindowFailureLifetime = std::chrono::seconds(10);

// The context windows of a server's models, asked for once and remembered for a while.
class Windows {
 public:
  Windows() : gate_({.permits = 1}) {}

  // Unset: unknown. Fails only when the context ends.
  async::Task<Result<std::optional<std::int64_t>>> Of(async::Context ctx, model::Engine& engine,
                                                      std::string model) {
    if (!IsFresh(ctx.Now())) {
      WEIR_CO_TRY(const async::Semaphore::Permit permit, co_await gate_.Acquire(ctx));
      if (!IsFresh(ctx.Now())) {
        Result<model::EngineInfo> info = co_await engine.Describe(ctx);
        Note(ctx, std::move(info));
      }
    }
    const std::scoped_lock lock(mutex_);
    co_return Find(model.empty() ? info_.model : model);
  }

 private:
  // A failure leaves what was known; one that only says that the caller has gone is forgotten.
  void Note(const async::Context& ctx, Result<model::EngineInfo> info) {
    const std::scoped_lock lock(mutex_);
    if (info) {
      info_ = *std::move(info);
      until_ = After(ctx.Now(), kWindowLifetime);
    } else if (!ctx.ended()) {
      until_ = After(ctx.Now(), kWindowFailureLifetime);
    }
  }

  bool IsFresh(TimePoint now) const {
    const std::scoped_lock lock(mutex_);
    return now < until_;
  }

  // An adapter has no window of its own in the list, but a parent.
  std::optional<std::int64_t> Find(std::string_view name) const {
    for (int steps = 0; steps < 2; ++steps) {
      const auto entry = std::ranges::find_if(info_.models, [&](const model::ModelEntry& its) {
        return name.empty() ? its.parent.empty() : its.id == name;
      });
      if (entry == info_.models.end()) return std::nullopt;
      if (entry->max_model_len || entry->parent.empty()) return entry->max_model_len;
      name = entry->parent;
    }
    return std::nullopt;
  }

  async::Semaphore gate_;
  mutable std::mutex mutex_;  // guards what follows
  model::EngineInfo info_;
  TimePoint until_{};
};

// What a call needs at most.
struct Need {
  std::int64_t prompt = 0;
  bool counted = false;                // otherwise estimated
  std::optional<std::int64_t> answer;  // of one candidate; unset: what fits
  std::int64_t candidates = 1;

  std::int64_t of_one() const { return AddCapped(prompt, answer.value_or(1)); }
  std::int64_t of_all() const { return AddCapped(prompt, OfAnswers(1)); }
  std::int64_t OfAnswers(std::int64_t assumed) const {
    return MultiplyCapped(answer.value_or(assumed), candidates);
  }
  // What each candidate has, at least a token, when a prompt and its answers have `total`.
  std::int64_t RoomIn(std::int64_t total, std::int64_t answers) const {
    return std::max<std::int64_t>(1, (std::max(total, prompt) - prompt) / answers);
  }
};

Need EstimateOf(const model::Call& call) {
  const model::Sampling& sampling = call.sampling;
  Need need{.prompt = text::EstimateTokens(call),
            .counted = !call.prompt_token_ids.empty(),
            .answer = {}};
  if (sampling.max_tokens >= 0) need.answer = sampling.max_tokens;
  const std::int64_t beams = sampling.beam_width.value_or(1);
  need.candidates =
      std::max({std::int64_t{1}, sampling.n.value_or(1), sampling.best_of.value_or(1), beams});
  return need;
}

Error Exceeds(const Need& need, std::int64_t total, std::int64_t limit, std::string_view what) {
  std::string sum = StrCat("a prompt of ", need.counted ? "" : "about ", need.prompt);
  if (need.answer) StrAppend(sum, " + max_tokens ", *need.answer);
  if (need.answer && total > need.of_one()) StrAppend(sum, " * ", need.candidates, " candidates");
  return Error{.code = Code::kBudgetExceeded,
               .message = StrCat("the call needs ", total, " tokens (", sum, "), but ", what,
                                 " is ", limit, "; shorten the prompt",
                                 need.answer ? " or lower max_tokens" : "", "; nothing was sent")};
}

// Whether the server has worked on a call that ended so, for an unknown number of tokens.
bool WasWorkedOn(const Error& error) {
  switch (error.code) {
    case Code::kTimeout:
    case Code::kStreamIdleTimeout:
    case Code::kStreamTruncated:
    case Code::kEmptyModelResponse:
    case Code::kProtocolError:
    case Code::kCancelled:
      return true;
    default:
      return false;
  }
}

// A call that may be sent, with its part of the shared budget.
struct Admitted {
  std::optional<model::Call> changed;  // unset: it is sent as it is
  Reservation reservation;
};

void SettleUsage(Reservation& reservation, const model::Usage& usage,
                 const std::optional<double>& cost) {
  const auto is_known = [](const std::optional<std::int64_t>& count) {
    return count && IsCount(*count);
  };
  if (is_known(usage.prompt_tokens) && is_known(usage.completion_tokens)) {
    reservation.Settle(*usage.prompt_tokens + *usage.completion_tokens, cost);
  } else {
    reservation.SettleAll();
  }
}

void ChargeAttempts(Reservation& reservation, const std::vector<model::Attempt>& attempts) {
  for (const model::Attempt& attempt : attempts) {
    if (attempt.error && WasWorkedOn(*attempt.error)) reservation.ChargeAttempt();
  }
}

class CountedStream final : public model::ReplyStream {
 public:
  CountedStream(std::unique_ptr<model::ReplyStream> next, Reservation reservation, Prices prices)
      : next_(std::move(next)), reservation_(std::move(reservation)), prices_(std::move(prices)) {}
  ~CountedStream() override {
    if (has_come_) reservation_.SettleAll();  // the caller hung up, or the stream broke
  }

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    Result<bool> more = co_await next_->Next(ctx, piece);
    if (more && *more) {
      has_come_ = true;
      if (piece.usage) usage_ = *piece.usage;
    } else if (more) {
      cost_ = prices_.CostOf(usage_);
      SettleUsage(reservation_, usage_, cost_);
    }
    co_return more;
  }

  model::ReplyInfo info() const override {
    model::ReplyInfo info = next_->info();
    info.cost = cost_;
    if (cost_) info.currency = prices_.currency;
    return info;
  }

 private:
  const std::unique_ptr<model::ReplyStream> next_;
  Reservation reservation_;
  const Prices prices_;
  model::Usage usage_;
  std::optional<double> cost_;
  bool has_come_ = false;
};

class BudgetEngine final : public model::Engine {
 public:
  BudgetEngine(std::unique_ptr<model::Engine> next, BudgetOptions options,
               std::shared_ptr<SharedBudget> shared, std::shared_ptr<TokenCounter> counter)
      : next_(std::move(next)),
        options_(std::move(options)),
        shared_(std::move(shared)),
        counter_(std::move(counter)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    const bool counts = shared_ != nullptr || options_.prices.known();
    return counts || !FitsAnywhere(call) ? CountedCall(ctx, call) : next_->Call(ctx, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    const bool counts = shared_ != nullptr || options_.prices.known();
    return counts || !FitsAnywhere(call) ? CountedStreamOf(ctx, call) : next_->Stream(ctx, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  // Whether nothing of the call has to be weighed, as with most.
  bool FitsAnywhere(const model::Call& call) const {
    if (call.budget.context_window || call.budget.max_total_tokens) return false;
    if (!options_.ask_window) return true;
    const std::optional<std::int64_t> most = text::EstimateAtMost(call);
    const std::int64_t answer = std::max<std::int64_t>(1, call.sampling.max_tokens.value_or(1));
    return most && AddCapped(*most, answer) <= options_.small;
  }

  async::Task<Result<model::Reply>> CountedCall(async::Context ctx, const model::Call& call) {
    WEIR_CO_TRY(Admitted admitted, co_await Admit(ctx, call));
    const model::Call& sent = admitted.changed ? *admitted.changed : call;
    async::Task<Result<model::Reply>> asked = next_->Call(ctx, sent);
    Result<model::Reply>& reply = co_await asked;  // stays there: a Reply is large
    if (reply) {
      reply->info.cost = options_.prices.CostOf(reply->usage);
      if (reply->info.cost) reply->info.currency = options_.prices.currency;
      ChargeAttempts(admitted.reservation, reply->info.attempts);
      SettleUsage(admitted.reservation, reply->usage, reply->info.cost);
    } else if (WasWorkedOn(reply.error())) {
      admitted.reservation.SettleAll();
    }
    co_return std::move(asked);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> CountedStreamOf(
      async::Context ctx, const model::Call& call) {
    WEIR_CO_TRY(Admitted admitted, co_await Admit(ctx, call));
    const model::Call& sent = admitted.changed ? *admitted.changed : call;
    Result<std::unique_ptr<model::ReplyStream>> stream = co_await next_->Stream(ctx, sent);
    if (!stream) {
      if (WasWorkedOn(stream.error())) admitted.reservation.SettleAll();
      co_return stream;
    }
    // A stream that is there has no further attempts.
    if (shared_ != nullptr) ChargeAttempts(admitted.reservation, (*stream)->info().attempts);
    co_return std::make_unique<CountedStream>(*std::move(stream), std::move(admitted.reservation),
                                              options_.prices);
  }

  async::Task<Result<Admitted>> Admit(async::Context ctx, const model::Call& call) {
    if (shared_ == nullptr && FitsAnywhere(call)) co_return Admitted{};
    Need need = EstimateOf(call);
    const std::optional<std::int64_t>& most = call.budget.max_total_tokens;
    const bool by_ceiling = most && !need.answer;
    WEIR_CO_TRY(const std::optional<std::int64_t> known, co_await WindowOf(ctx, call, need));
    // The server makes the prompt fit of a call that lets it.
    const bool is_cut = call.sampling.truncate_prompt_tokens.has_value();
    const std::optional<std::int64_t> window = is_cut ? std::nullopt : known;
    if (window || most) {
      const std::int64_t limit = std::min(window.value_or(INT64_MAX), most.value_or(INT64_MAX));
      WEIR_CO_CHECK(co_await Count(ctx, call, limit, need));
    }
    if (window && need.of_one() > *window) {
      co_return Fail(
          Exceeds(need, need.of_one(), *window, StrCat("the context window of ", options_.engine)));
    }
    if (most && need.of_all() > *most) {
      co_return Fail(
          Exceeds(need, need.of_all(), *most, "the ceiling of the call (max_total_tokens)"));
    }
    Admitted admitted{.changed = {}, .reservation = {}};
    if (by_ceiling) {
      const std::int64_t allowed = need.RoomIn(*most, need.candidates);
      const std::int64_t fitting = need.RoomIn(known.value_or(INT64_MAX), 1);
      need.answer = std::min(allowed, fitting);
      // Otherwise the window ends the answer, and the server knows how long the prompt really is.
      if (allowed < fitting) {
        admitted.changed = call;
        admitted.changed->sampling.max_tokens = allowed;
      }
    }
    if (shared_ != nullptr) {
      WEIR_CO_TRY(admitted.reservation, Reserve(need));
    }
    co_return admitted;
  }

  // Unset: it is not known, or does not matter.
  async::Task<Result<std::optional<std::int64_t>>> WindowOf(async::Context ctx,
                                                            const model::Call& call,
                                                            const Need& need) {
    const std::optional<std::int64_t>& most = call.budget.max_total_tokens;
    Need likely = need;
    if (most && !need.answer) likely.answer = need.RoomIn(*most, need.candidates);
    if (call.sampling.truncate_prompt_tokens && likely.answer == need.answer) {
      co_return std::optional<std::int64_t>();
    }
    if (call.budget.context_window) co_return call.budget.context_window;
    if (!options_.ask_window || likely.of_one() <= options_.small) {
      co_return std::optional<std::int64_t>();
    }
    const std::string& name = call.adapter.empty() ? call.model : call.adapter;
    co_return co_await windows_.Of(ctx, *next_, name);
  }

  // Replaces the estimate where the budget is to be exact and the prompt may not fit.
  async::Task<Result<void>> Count(async::Context ctx, const model::Call& call, std::int64_t limit,
                                  Need& need) {
    if (counter_ == nullptr || need.counted) co_return Result<void>();
    const std::optional<std::int64_t> most = text::MostTokens(call);
    if (most && AddCapped(*most, need.OfAnswers(1)) <= limit) co_return Result<void>();
    const Result<std::int64_t> counted = co_await counter_->CountTokens(ctx, call);
    if (counted) {
      need.prompt = *counted;
      need.counted = true;
    } else if (ctx.ended()) {
      co_return Fail(counted.error());
    }
    co_return Result<void>();
  }

  Result<Reservation> Reserve(const Need& need) const {
    const std::int64_t answer = need.OfAnswers(options_.assumed_answer);
    const model::Usage usage{
        .prompt_tokens = need.prompt, .completion_tokens = answer, .cached_tokens = 0};
    return SharedBudget::Reserve(shared_, AddCapped(need.prompt, answer),
                                 options_.prices.CostOf(usage));
  }

  const std::unique_ptr<model::Engine> next_;
  const BudgetOptions options_;
  const std::shared_ptr<SharedBudget> shared_;   // null: no ceiling; streams outlive the engine
  const std::shared_ptr<TokenCounter> counter_;  // null: prompts are estimated
  Windows windows_;
};

}  // namespace

std::unique_ptr<model::Engine> NewBudgetEngine(std::unique_ptr<model::Engine> next,
                                               BudgetOptions options,
                                               std::shared_ptr<SharedBudget> shared,
                                               std::shared_ptr<TokenCounter> counter) {
  return std::make_unique<BudgetEngine>(std::move(next), std::move(options), std::move(shared),
                                        std::move(counter));
}

}  // namespace weir::engine
