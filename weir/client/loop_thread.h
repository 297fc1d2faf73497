#pragma once

// LoopThread: an event loop with a thread of its own, to which other threads give work.

#include <functional>
#include <mutex>
#include <thread>

#include "weir/async/scope.h"

namespace weir::client {

class LoopThread {
 public:
  using Make = std::move_only_function<async::Task<void>(async::Context)>;

  LoopThread();
  ~LoopThread() { Close(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  // Any thread: the loop makes a task and runs it to its end. False, and nothing happens, after
  // Close().
  bool Spawn(Make make);

  // Any thread. After Close() the work waits for ever.
  void Post(std::move_only_function<void()> work) { loop_.Post(std::move(work)); }

  // Any thread but its own, also several at once: cancels what runs, and returns when it has ended.
  void Close();

 private:
  async::Task<void> Live();

  async::Loop loop_;
  async::Cancellation closing_;
  async::TaskScope* scope_ = nullptr;  // of Live()
  std::mutex mutex_;                   // guards closed_, and that nothing is posted after it
  bool closed_ = false;
  std::mutex joining_;  // guards thread_
  std::thread thread_;
};

}  // namespace weir::client
