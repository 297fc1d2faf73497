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

  async::Task<Result<std::optional<model::Delta>>> Next(async::Context ctx) override {
    return next_->Next(ctx);
  }

  model::ReplyInfo info() const override { return next_->info(); }

 private:
  Semaphore::Permit permit_;
  const std::unique_ptr<model::ReplyStream> next_;
};

class LimitEngine final : public model::Engine {
 public:
  LimitEngine(std::unique_ptr<model::Engine> next, LimitOptions options)
      : next_(std::move(next)),
        places_({.permits = options.max_in_flight, .max_waiting = options.max_waiting}) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.limit");
    WEIR_CO_TRY(const Semaphore::Permit permit, co_await places_.Acquire(span.context()));
    Result<model::Reply> reply = co_await next_->Call(span.context(), call);
    co_return span.End(std::move(reply));
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.limit");
    WEIR_CO_TRY(Semaphore::Permit permit, co_await places_.Acquire(span.context()));
    Result<std::unique_ptr<model::ReplyStream>> stream =
        co_await next_->Stream(span.context(), call);
    if (!stream) co_return span.End(std::move(stream));
    co_return std::make_unique<LimitedStream>(*std::move(stream), std::move(permit));
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
