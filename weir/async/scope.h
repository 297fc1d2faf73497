#pragma once

// TaskScope: background work with an owner. No task is detached: whatever is spawned is joined, and
// a scope cannot be destroyed while a task of it runs.

#include <cstddef>
#include <exception>

#include "weir/async/wait.h"

namespace weir::async {

class TaskScope {
 public:
  // Tasks get a context of their own: the parent's, with a cancellation of this scope.
  explicit TaskScope(const Context& parent);
  ~TaskScope();
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;

  const Context& context() const { return ctx_; }
  std::size_t running() const { return running_; }

  // Starts `task` on this loop. What it refers to must live until Join() has returned.
  void Spawn(Task<void> task);

  // Asks every task to end. They have ended only when Join() returns.
  void Cancel() { cancellation_.Cancel(); }

  // Waits for all tasks, also those spawned while waiting. An exception of a task is a bug and is
  // thrown here.
  Task<void> Join();

 private:
  Cancellation cancellation_;
  Context ctx_;
  std::size_t running_ = 0;
  WaitPoint* joiner_ = nullptr;
  std::exception_ptr failure_;
};

}  // namespace weir::async
