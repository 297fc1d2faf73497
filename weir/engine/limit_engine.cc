#include "weir/base/text.h"
#include "weir/engine/decorators.h"

namespace weir::engine {
namespace {

using async::Semaphore;

// What one call holds while it is in flight.
struct Places {
  Semaphore::Permit own;
  Semaphore::Permit shared;
};

// Holds its places in flight for as long as the stream lives.
class LimitedStream final : public model::ReplyStream {
 public:
  LimitedStream(std::unique_ptr<model::ReplyStream> next, Places places)
      : places_(std::move(places)), next_(std::move(next)) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    return next_->Next(ctx, piece);
  }

  model::ReplyInfo info() const override { return next_->info(); }

 private:
  const Places places_;
  const std::unique_ptr<model::ReplyStream> next_;
};

// Time that ran out here says nothing about the engine.
Error NoPlace(Error error, std::string_view setting) {
  if (error.code != Code::kTimeout) return error;
  return Error{.code = Code::kBudgetExceeded,
               .message = StrCat("the time of the call ran out while it waited for a place in "
                                 "flight; raise `",
                                 setting, "`, ask less at once, or give it more time")};
}

constexpr std::string_view kOwnSetting = "limits.max_in_flight of the engine";
constexpr std::string_view kSharedSetting = "limits.max_in_flight";

// A place that is not free at once.
async::Task<Result<Semaphore::Permit>> Wait(async::Context ctx, Semaphore& places,
                                            std::string_view setting) {
  Result<Semaphore::Permit> waited = co_await places.Acquire(ctx);
  if (!waited) co_return Fail(NoPlace(std::move(waited).error(), setting));
  co_return waited;
}

// True where a place was free.
bool TakeFree(Semaphore& from, Semaphore::Permit& place) {
  std::optional<Semaphore::Permit> free = from.TryAcquire();
  if (!free) return false;
  place = *std::move(free);
  return true;
}

class LimitEngine final : public model::Engine {
 public:
  LimitEngine(std::unique_ptr<model::Engine> next, LimitOptions options,
              std::shared_ptr<Semaphore> shared)
      : next_(std::move(next)),
        places_({.permits = options.max_in_flight, .max_waiting = options.max_waiting}),
        shared_(std::move(shared)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.limit");
    Places places;
    if (!TakeFree(places_, places.own)) {
      WEIR_CO_TRY(places.own, co_await Wait(span.context(), places_, kOwnSetting));
    }
    if (shared_ != nullptr && !TakeFree(*shared_, places.shared)) {
      WEIR_CO_TRY(places.shared, co_await Wait(span.context(), *shared_, kSharedSetting));
    }
    async::Task<Result<model::Reply>> asked = next_->Call(span.context(), call);
    (void)co_await asked;  // named: its value is passed on where it is
    co_return std::move(asked);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.limit");
    Places places;
    if (!TakeFree(places_, places.own)) {
      WEIR_CO_TRY(places.own, co_await Wait(span.context(), places_, kOwnSetting));
    }
    if (shared_ != nullptr && !TakeFree(*shared_, places.shared)) {
      WEIR_CO_TRY(places.shared, co_await Wait(span.context(), *shared_, kSharedSetting));
    }
    WEIR_CO_TRY(std::unique_ptr<model::ReplyStream> stream,
                co_await next_->Stream(span.context(), call));
    co_return std::make_unique<LimitedStream>(std::move(stream), std::move(places));
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  const std::unique_ptr<model::Engine> next_;
  Semaphore places_;
  const std::shared_ptr<Semaphore> shared_;  // may be null
};

}  // namespace

std::unique_ptr<model::Engine> NewLimitEngine(std::unique_ptr<model::Engine> next,
                                              LimitOptions options,
                                              std::shared_ptr<async::Semaphore> shared) {
  return std::make_unique<LimitEngine>(std::move(next), options, std::move(shared));
}

}  // namespace weir::engine
