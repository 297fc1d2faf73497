#include <mutex>
#include <utility>

#include "weir/base/text.h"
#include "weir/engine/answers.h"
#include "weir/engine/decorators.h"

namespace weir::engine {
namespace {

using Attempts = std::vector<model::Attempt>;

// Tells budget and breaker how attempts ended, and the world when that opens or closes the breaker.
class Referee {
 public:
  Referee(std::shared_ptr<Breaker> breaker, std::string engine)
      : breaker_(std::move(breaker)), engine_(std::move(engine)) {}

  void OnSuccess(const async::Context& ctx) {
    budget_.OnSuccess();
    if (breaker_ && breaker_->OnSuccess()) {
      ctx.Emit("health.ok", {{"engine", engine_}, {"message", "it answers again"}});
    }
  }

  void OnFailure(const async::Context& ctx, const Error& error) {
    if (!BlamesEngine(error)) return OnNothing();
    budget_.OnFailure();
    if (breaker_ && breaker_->OnFailure(ctx.Now())) {
      ctx.Emit("health.fail",
               {{"engine", engine_}, {"error", Name(error)}, {"message", error.message}});
    }
  }

  void OnNothing() {
    if (breaker_) breaker_->OnNothing();
  }

  bool tired() const { return !budget_.Allows(); }
  bool open(TimePoint now) const {
    return breaker_ && breaker_->state(now) == Breaker::State::kOpen;
  }
  const std::string& engine() const { return engine_; }

 private:
  const std::shared_ptr<Breaker> breaker_;  // may be null
  const std::string engine_;
  RetryBudget budget_;
};

// Pieces without content that are kept back; a server that sends more of them is handed on.
constexpr std::size_t kMostHeld = 16;

// A stream whose first piece with content is fetched while repeating is still possible. Its end,
// and not its beginning, is what counts for the engine.
class StartedStream final : public model::ReplyStream {
 public:
  StartedStream(std::unique_ptr<model::ReplyStream> next, std::shared_ptr<Referee> referee,
                Attempts earlier, Duration lost)
      : next_(std::move(next)),
        referee_(std::move(referee)),
        earlier_(std::move(earlier)),
        lost_(lost) {}
  ~StartedStream() override {
    if (has_begun_ && !has_ended_) referee_->OnNothing();  // the caller hung up
  }

  // Whether there is more to come. An answer may end, or break, behind pieces that say nothing but
  // why it ended: until there is content nothing has reached the caller.
  async::Task<Result<bool>> FetchFirst(async::Context ctx) {
    for (;;) {
      model::Delta& piece = held_.emplace_back();
      const Result<bool> there = co_await next_->Next(ctx, piece);
      const bool is_piece = there && *there;
      if (is_piece && !model::HasContent(piece) && held_.size() < kMostHeld) continue;
      if (!is_piece) held_.pop_back();
      co_return there;
    }
  }
  // FetchFirst() has returned `there`.
  void Keep(const async::Context& ctx, bool there) {
    has_begun_ = true;
    if (!there) NoteEnd(ctx, nullptr);
  }

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    if (given_ < held_.size()) {
      piece = std::move(held_[given_++]);
      // Thousands of streams are open at once: its memory goes, too.
      if (given_ == held_.size()) held_ = std::vector<model::Delta>();
      co_return true;
    }
    const Result<bool> more = co_await next_->Next(ctx, piece);
    if (!more) {
      NoteEnd(ctx, &more.error());
    } else if (!*more) {
      NoteEnd(ctx, nullptr);
    }
    co_return more;
  }

  model::ReplyInfo info() const override {
    model::ReplyInfo info = next_->info();
    info.attempts.insert(info.attempts.begin(), earlier_.begin(), earlier_.end());
    if (info.first_token > Duration::zero()) info.first_token += lost_;
    info.total += lost_;
    return info;
  }

 private:
  void NoteEnd(const async::Context& ctx, const Error* error) {
    if (std::exchange(has_ended_, true)) return;
    if (error == nullptr) {
      referee_->OnSuccess(ctx);
    } else {
      referee_->OnFailure(ctx, *error);
    }
  }

  const std::unique_ptr<model::ReplyStream> next_;
  const std::shared_ptr<Referee> referee_;
  std::vector<model::Delta> held_;  // up to the first with content
  std::size_t given_ = 0;           // of those
  bool has_begun_ = false;
  bool has_ended_ = false;
  const Attempts earlier_;
  const Duration lost_;  // to the attempts before this stream
};

class RetryEngine final : public model::Engine {
 public:
  RetryEngine(std::unique_ptr<model::Engine> next, RetryRule rule, Random random,
              std::shared_ptr<Breaker> breaker, std::string engine)
      : next_(std::move(next)),
        rule_(rule),
        random_(random),
        referee_(std::make_shared<Referee>(std::move(breaker), std::move(engine))) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.retry");
    const TimePoint began = ctx.Now();
    Attempts earlier;
    for (TimePoint start = began;; start = ctx.Now()) {
      async::Task<Result<model::Reply>> attempt = next_->Call(span.context(), call);
      Result<model::Reply>& reply = co_await attempt;  // stays there: a Reply is large
      if (reply) {
        referee_->OnSuccess(ctx);
        Attempts& attempts = reply->info.attempts;
        attempts.insert(attempts.begin(), earlier.begin(), earlier.end());
        reply->info.total += start - began;
        co_return std::move(attempt);
      }
      const bool again = co_await WaitToRetry(span.context(), reply.error(), start, earlier);
      if (!again) {
        if (ctx.cancelled()) reply = std::unexpected<Error>(async::CancelledError());
        ExplainEnd(ctx, reply.error(), earlier);
        span.Fail(reply.error());
        co_return std::move(attempt);
      }
    }
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.retry");
    const TimePoint began = ctx.Now();
    Attempts earlier;
    for (TimePoint start = began;; start = ctx.Now()) {
      Result<std::unique_ptr<model::ReplyStream>> stream =
          co_await next_->Stream(span.context(), call);
      if (stream) {
        auto started =
            std::make_unique<StartedStream>(*std::move(stream), referee_, earlier, start - began);
        const Result<bool> first = co_await started->FetchFirst(span.context());
        if (first) {
          started->Keep(ctx, *first);
          co_return started;
        }
        stream = Result<std::unique_ptr<model::ReplyStream>>(std::unexpect, first.error());
      }
      const bool again = co_await WaitToRetry(span.context(), stream.error(), start, earlier);
      if (!again) {
        if (ctx.cancelled()) stream = std::unexpected<Error>(async::CancelledError());
        ExplainEnd(ctx, stream.error(), earlier);
        span.Fail(stream.error());
        co_return stream;
      }
    }
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  // Notes the failed attempt; false when there will be no other.
  async::Task<bool> WaitToRetry(async::Context ctx, const Error& error, TimePoint start,
                                Attempts& earlier) {
    referee_->OnFailure(ctx, error);
    earlier.push_back({.engine = {}, .error = error, .duration = ctx.Now() - start});
    earlier.back().error->trail.reset();
    const int retry = static_cast<int>(earlier.size());
    const std::optional<Duration> delay = Delay(retry, error);
    if (!delay || referee_->tired() || referee_->open(ctx.Now())) co_return false;
    // Waiting past the deadline would replace the error that matters by a timeout.
    if (After(ctx.Now(), *delay) >= ctx.deadline) co_return false;
    earlier.back().waited = *delay;
    EmitRetry(ctx, retry, error, *delay);
    async::Span span(ctx, "engine.retry.wait");
    const Result<void> slept = co_await async::Sleep(span.context(), *delay);
    co_return slept.has_value();
  }

  void EmitRetry(const async::Context& ctx, int retry, const Error& error, Duration delay) const {
    if (ctx.trace == nullptr) return;
    const std::chrono::duration<double, std::milli> millis = delay;
    ctx.Emit("provider:retry", {{"retry", std::int64_t{retry}},
                                {"max_retries", std::int64_t{rule_.max_retries}},
                                {"delay_ms", millis.count()},
                                {"error", Name(error)},
                                {"message", error.message}});
  }

  std::optional<Duration> Delay(int retry, const Error& error) {
    const std::scoped_lock lock(random_mutex_);
    return RetryDelay(rule_, retry, error, random_);
  }

  // What came before, and why there was no other attempt, where that is not plain from the error
  // itself. The last of the failed ones is this one, unless the wait behind it was cancelled.
  void ExplainEnd(const async::Context& ctx, Error& error, const Attempts& failed) const {
    const bool tries_left = static_cast<int>(failed.size()) <= rule_.max_retries;
    if (tries_left && Retryable(error)) error.message += WhyStopped(ctx, error);
    if (failed.size() > 1) StrAppend(error.message, " (after ", failed.size(), " attempts)");
    model::CallTrail trail = model::TrailOf(error);
    trail.info.engine = referee_->engine();
    Attempts& before = trail.info.attempts;
    const bool is_last = failed.back().error->code == error.code;  // and not a cancelled wait
    before.insert(before.begin(), failed.begin(), is_last ? std::prev(failed.end()) : failed.end());
    SetTrail(error, std::move(trail));
  }

  std::string WhyStopped(const async::Context& ctx, const Error& error) const {
    const Duration left = ctx.deadline - ctx.Now();
    if (error.retry_after > rule_.max_retry_after) {
      return StrCat("; it asks to wait ", Millis(*error.retry_after),
                    ", which is more than `retry.max_retry_after` of ",
                    Millis(rule_.max_retry_after), ": ask again later, or raise the setting");
    }
    if (referee_->open(ctx.Now())) {
      return "; it is not tried again, because it failed several times in a row: ask again later";
    }
    if (referee_->tired()) {
      return "; it is not tried again, because most attempts have failed of late: ask again later";
    }
    if (left <= Duration::zero()) return {};  // the clock that ran out is the error
    constexpr std::string_view kRemedy = ": ask again later, or raise `timeouts.total` (--timeout)";
    if (error.retry_after) {
      return StrCat("; it asks to wait ", Millis(*error.retry_after), ", but the call has only ",
                    Millis(left), " left", kRemedy);
    }
    return StrCat("; the wait before another attempt would be longer than the ", Millis(left),
                  " that the call has left", kRemedy);
  }

  static std::string Millis(Duration time) {
    return FormatMillis(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  }

  const std::unique_ptr<model::Engine> next_;
  const RetryRule rule_;
  std::mutex random_mutex_;
  Random random_;
  const std::shared_ptr<Referee> referee_;  // streams may outlive the engine
};

}  // namespace

std::unique_ptr<model::Engine> NewRetryEngine(std::unique_ptr<model::Engine> next, RetryRule rule,
                                              Random random, std::shared_ptr<Breaker> breaker,
                                              std::string engine) {
  return std::make_unique<RetryEngine>(std::move(next), rule, random, std::move(breaker),
                                       std::move(engine));
}

}  // namespace weir::engine
