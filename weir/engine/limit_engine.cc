#include "weir/async/semaphore.h"
#include "weir/engine/decorators.h"

namespace weir::engine {
namespace {

using async::Semaphore;

// Holds its place in flight for as long as the stream lives.
class LimitedStream final : public model::ReplyStream {
 public:
  LimitedStream(std::unique_ptr<model::ReplyStream> next, Semaphore::Permit permit)
      : permit_(std::move(permit)), next_(std::move(next)) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    return next_->Next(ctx, piece);
  }

  model::ReplyInfo info() const override { return next_->info(); }

 private:
  Semaphore::Permit permit_;
  const std::unique_ptr<model::ReplyStream> next_;
};

// Time that ran out here says nothing about the engine.
Error NoPlace(Error error) {
  if (error.code != Code::kTimeout) return error;
  return Error{.code = Code::kBudgetExceeded,
               .message =
                   "the time of the call ran out while it waited for a place in flight; "
                   "raise `limits.max_in_flight`, ask less at once, or give it more time"};
}

class LimitEngine final : public model::Engine {
 public:
  LimitEngine(std::unique_ptr<model::Engine> next, LimitOptions options)
      : next_(std::move(next)),
        places_({.permits = options.max_in_flight, .max_waiting = options.max_waiting}) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.limit");
    std::optional<Semaphore::Permit> permit = places_.TryAcquire();
    if (!permit) {
      Result<Semaphore::Permit> waited = co_await places_.Acquire(span.context());
      if (!waited) co_return Fail(NoPlace(std::move(waited).error()));
      permit = *std::move(waited);
    }
    co_return co_await next_->Call(span.context(), call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.limit");
    std::optional<Semaphore::Permit> permit = places_.TryAcquire();
    if (!permit) {
      Result<Semaphore::Permit> waited = co_await places_.Acquire(span.context());
      if (!waited) co_return Fail(NoPlace(std::move(waited).error()));
      permit = *std::move(waited);
    }
    WEIR_CO_TRY(std::unique_ptr<model::ReplyStream> stream,
                co_await next_->Stream(span.context(), call));
    co_return std::make_unique<LimitedStream>(std::move(stream), *std::move(permit));
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  const std::unique_ptr<model::Engine> next_;
  Semaphore places_;
};

}  // namespace

std::unique_ptr<model::Engine> NewLimitEngine(std::unique_ptr<model::Engine> next,
                                              LimitOptions options) {
  return std::make_unique<LimitEngine>(std::move(next), options);
}

}  // namespace weir::engine
