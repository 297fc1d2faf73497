#pragma once

// Guard: ends an outstanding operation when its context does.

#include <functional>
#include <utility>

#include "weir/async/context.h"
#include "weir/async/wait.h"

namespace weir::async {

// While it lives, calls `abort` once when the context is cancelled or `at` has passed, whichever is
// first; a context that is already cancelled aborts at construction. `ctx` must outlive it.
class Guard {
 public:
  Guard(const Context& ctx, TimePoint at, std::move_only_function<void()> abort)
      : ctx_(ctx),
        abort_(std::move(abort)),
        alarm_(*ctx.loop, [this] { Abort(Wake::kDeadline); }),
        watch_(ctx.cancellation, [this] { Abort(Wake::kCancelled); }) {
    if (ctx.cancelled()) {
      Abort(Wake::kCancelled);
    } else {
      alarm_.Arm(at);
    }
  }

  Guard(const Context&& ctx, TimePoint at, std::move_only_function<void()> abort) = delete;

  // Fails with the context's error when `abort` was called.
  Result<void> Check() const {
    if (aborted_ == Wake::kCancelled) return Fail(CancelledError());
    if (aborted_ == Wake::kDeadline) return Fail(TotalTimeoutError(ctx_));
    return {};
  }

 private:
  void Abort(Wake why) {
    if (aborted_ != Wake::kNotified) return;
    aborted_ = why;
    abort_();
  }

  const Context& ctx_;
  std::move_only_function<void()> abort_;
  Alarm alarm_;
  Cancellation::Watch watch_;
  Wake aborted_ = Wake::kNotified;
};

}  // namespace weir::async
