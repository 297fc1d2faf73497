#pragma once

// WaitPoint: how one coroutine waits for something that is not I/O. Semaphore, Channel, TaskScope
// and Sleep are built on it.

#include <coroutine>
#include <optional>

#include "weir/async/context.h"

namespace weir::async {

enum class Wake { kNotified, kDeadline, kCancelled };

// Lives in the frame of the waiting coroutine, on its loop. One Wait() per object.
class WaitPoint {
 public:
  explicit WaitPoint(const Context& ctx);

  // Parks the caller until Notify(), `at`, or cancellation, whichever is first. A Notify() that
  // came before counts.
  Task<Wake> Wait(TimePoint at);
  Task<Wake> Wait() { return Wait(deadline_); }

  // The loop's own thread only; another thread posts to the loop.
  void Notify() { Complete(Wake::kNotified); }

 private:
  void Complete(Wake wake);

  Loop& loop_;
  TimePoint deadline_;
  Alarm alarm_;
  Cancellation::Watch watch_;
  std::optional<Wake> wake_;
  std::coroutine_handle<> awaiting_;
};

}  // namespace weir::async
