#include "weir/async/wait.h"

namespace weir::async {

WaitPoint::WaitPoint(const Context& ctx)
    : loop_(*ctx.loop),
      deadline_(ctx.deadline),
      alarm_(loop_, [this] { Complete(Wake::kDeadline); }),
      watch_(ctx.cancellation, [this] { Complete(Wake::kCancelled); }) {
  if (ctx.cancelled()) wake_ = Wake::kCancelled;
}

Task<Wake> WaitPoint::Wait(TimePoint at) {
  if (!wake_) {
    alarm_.Arm(at);
    struct Park {
      std::coroutine_handle<>& awaiting;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> handle) noexcept { awaiting = handle; }
      void await_resume() const noexcept {}
    };
    Park park(awaiting_);
    co_await park;
  }
  co_return *wake_;
}

void WaitPoint::Complete(Wake wake) {
  if (wake_) return;
  wake_ = wake;
  alarm_.Disarm();
  // Resumed from the loop, never from inside the notifier: it may be half-way through its own work.
  if (awaiting_) loop_.Post([awaiting = awaiting_] { awaiting.resume(); });
}

}  // namespace weir::async
