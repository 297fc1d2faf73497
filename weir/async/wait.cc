#include "weir/async/wait.h"

#include <boost/asio/use_awaitable.hpp>

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
    auto park = [this](auto handler) { resume_ = std::move(handler); };
    co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>, void()>(
        std::move(park), boost::asio::use_awaitable_t<Executor>());
  }
  co_return *wake_;
}

void WaitPoint::Complete(Wake wake) {
  if (wake_) return;
  wake_ = wake;
  alarm_.Disarm();
  // Resumed from the loop, never from inside the notifier: it may be half-way through its own work.
  if (resume_) loop_.Post(std::move(resume_));
}

}  // namespace weir::async
