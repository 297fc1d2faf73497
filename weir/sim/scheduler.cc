#include "weir/sim/scheduler.h"

#include "weir/async/wait.h"

namespace weir::sim {

async::Task<Result<void>> WaitUntil(async::Context ctx, TimePoint at) {
  const Duration past_tick = at.time_since_epoch() % kTick;
  const TimePoint tick = past_tick == Duration::zero() ? at : at + (kTick - past_tick);
  const TimePoint now = ctx.Now();
  if (tick <= now) {
    if (ctx.cancelled()) co_return Fail(async::CancelledError());
    co_return Result<void>();
  }
  co_return co_await async::Sleep(ctx, tick - now);
}

async::Task<Result<void>> WaitForever(async::Context ctx) {
  async::WaitPoint point(ctx);
  const async::Wake wake = co_await point.Wait();
  if (wake == async::Wake::kCancelled) co_return Fail(async::CancelledError());
  co_return Fail(async::TotalTimeoutError(ctx));
}

}  // namespace weir::sim
