#include "weir/client/loop_thread.h"

#include <chrono>
#include <utility>

namespace weir::client {

LoopThread::LoopThread() {
  thread_ = std::thread([this] { loop_.Run(Live()); });
}

async::Task<void> LoopThread::Live() {
  async::Context ctx(loop_);
  ctx.cancellation = &closing_;
  async::TaskScope scope(ctx);
  scope_ = &scope;
  while (!ctx.cancelled()) {
    // A loop without anything to wait for would spin. That the sleep was cancelled is asked above.
    (void)co_await async::Sleep(ctx, std::chrono::hours(1));
  }
  co_await scope.Join();
}

bool LoopThread::Spawn(Make make) {
  const std::scoped_lock lock(mutex_);
  if (closed_) return false;
  loop_.Post([this, make = std::move(make)]() mutable { scope_->Spawn(make(scope_->context())); });
  return true;
}

// What was posted before is begun before it is cancelled: nothing is forgotten.
void LoopThread::Close() {
  {
    const std::scoped_lock lock(mutex_);
    if (!std::exchange(closed_, true)) loop_.Post([this] { closing_.Cancel(); });
  }
  // What ends may call Spawn(), so that nobody may wait for it under the lock of Spawn().
  const std::scoped_lock lock(joining_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace weir::client
