#pragma once

// Channel<T>: a bounded queue between coroutines of one loop. A full channel makes the sender wait,
// an empty one the receiver: back-pressure is the absence of code elsewhere.

#include <cassert>
#include <deque>

#include "weir/async/wait.h"

namespace weir::async {

template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) { assert(capacity > 0); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Waits for room. Fails when the context ends, or with kCancelled once the channel is closed.
  Task<Result<void>> Send(Context ctx, T value) {
    while (!closed_ && items_.size() >= capacity_) {
      const Wake wake = co_await WaitIn(senders_, ctx);
      if (wake != Wake::kNotified) co_return Fail(EndError(wake, ctx));
    }
    if (closed_) co_return Fail(CancelledError());
    items_.push_back(std::move(value));
    NotifyOne(receivers_);
    co_return Result<void>();
  }

  // The next value, or nullopt once the channel is closed and drained.
  Task<Result<std::optional<T>>> Receive(Context ctx) {
    while (items_.empty()) {
      if (closed_) co_return std::optional<T>();
      const Wake wake = co_await WaitIn(receivers_, ctx);
      if (wake != Wake::kNotified) co_return Fail(EndError(wake, ctx));
    }
    std::optional<T> value = std::move(items_.front());
    items_.pop_front();
    NotifyOne(senders_);
    co_return value;
  }

  // No more values will come; what is queued can still be received.
  void Close() {
    closed_ = true;
    while (!senders_.empty()) NotifyOne(senders_);
    while (!receivers_.empty()) NotifyOne(receivers_);
  }

  std::size_t size() const { return items_.size(); }

 private:
  using Waiters = std::deque<WaitPoint*>;

  Task<Wake> WaitIn(Waiters& waiters, Context ctx) {
    WaitPoint point(ctx);
    waiters.push_back(&point);
    const Wake wake = co_await point.Wait();
    if (wake != Wake::kNotified) {
      std::erase(waiters, &point);
    }
    co_return wake;
  }

  static void NotifyOne(Waiters& waiters) {
    if (waiters.empty()) return;
    WaitPoint* point = waiters.front();
    waiters.pop_front();
    point->Notify();
  }

  static Error EndError(Wake wake, const Context& ctx) {
    return wake == Wake::kCancelled ? CancelledError() : TotalTimeoutError(ctx);
  }

  const std::size_t capacity_;
  std::deque<T> items_;
  Waiters senders_;
  Waiters receivers_;
  bool closed_ = false;
};

}  // namespace weir::async
