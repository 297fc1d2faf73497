#pragma once

// Guard: ends an outstanding operation when its context does.

#include "weir/async/context.h"

namespace weir::http {

// While it lives, calls `abort` once when the context is cancelled or `at` has passed, whichever is
// first; a context that is already cancelled aborts at construction.
class Guard {
 public:
  enum class Reason : std::uint8_t { kNone, kDeadline, kCancelled };

  Guard(const async::Context& ctx, TimePoint at, std::move_only_function<void()> abort)
      : abort_(std::move(abort)),
        alarm_(*ctx.loop, [this] { Abort(Reason::kDeadline); }),
        watch_(ctx.cancellation, [this] { Abort(Reason::kCancelled); }) {
    if (ctx.cancelled()) {
      Abort(Reason::kCancelled);
    } else {
      alarm_.Arm(at);
    }
  }

  Reason reason() const { return reason_; }

 private:
  void Abort(Reason reason) {
    if (reason_ != Reason::kNone) return;
    reason_ = reason;
    abort_();
  }

  std::move_only_function<void()> abort_;
  async::Alarm alarm_;
  async::Cancellation::Watch watch_;
  Reason reason_ = Reason::kNone;
};

}  // namespace weir::http
