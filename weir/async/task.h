#pragma once

// Task<T>: a lazy coroutine on one loop. It starts when it is awaited, once, and what it needs must
// outlive it. Destroying a task that has not ended destroys what it was doing. What co_await gives
// is a part of the task, to be moved from before the expression ends: take it by value. Awaiting a
// task that has a name gives a reference, good for as long as the task. A task that has ended may
// be returned in the place of its value, which then moves nowhere: co_return std::move(task).
//
// Our own and not Asio's awaitable: a call passes through ten coroutines, and here each costs a
// frame from a free list and two jumps, a third of what Asio's cost.

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir::async {

template <class T = void>
class Task;

namespace internal {

// Frames are kept per thread by size, because the same few are made again and again.
void* NewFrame(std::size_t size);
void DeleteFrame(void* frame, std::size_t size) noexcept;

class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return NewFrame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { DeleteFrame(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  // The one who awaits goes on at once, on the same stack.
  auto final_suspend() noexcept {
    struct Return {
      std::coroutine_handle<> awaiting;
      bool await_ready() noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept { return awaiting; }
      void await_resume() noexcept {}
    };
    return Return{awaiting_};
  }

  void unhandled_exception() noexcept { bug_ = std::current_exception(); }
  void set_awaiting(std::coroutine_handle<> awaiting) { awaiting_ = awaiting; }

 protected:
  void RethrowBug() {
    if (bug_) std::rethrow_exception(bug_);
  }

 private:
  std::coroutine_handle<> awaiting_;
  std::exception_ptr bug_;
};

template <class T>
class Promise final : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;

  ~Promise() {
    if (ended_) ended_.destroy();
  }

  template <class U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  void return_value(Task<T>&& ended) {
    const bool has_ended = ended.frame_ && ended.frame_.done();
    if (!has_ended) throw std::logic_error("a task was returned that nobody had awaited");
    ended_ = std::exchange(ended.frame_, nullptr);
  }

  T& Value() {
    RethrowBug();
    return ended_ ? ended_.promise().Value() : *value_;
  }
  T&& Take() { return std::move(Value()); }

 private:
  std::optional<T> value_;
  std::coroutine_handle<Promise> ended_;  // set: of the task whose value this one's is
};

template <>
class Promise<void> final : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void Value() { RethrowBug(); }
  void Take() { Value(); }
};

}  // namespace internal

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = internal::Promise<T>;

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && noexcept {
    struct Taking : Awaiter {
      decltype(auto) await_resume() { return this->frame.promise().Take(); }
    };
    return Taking{{frame_}};
  }
  auto operator co_await() & noexcept {
    struct Looking : Awaiter {
      decltype(auto) await_resume() { return this->frame.promise().Value(); }
    };
    return Looking{{frame_}};
  }

 private:
  struct Awaiter {
    std::coroutine_handle<promise_type> frame;
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
      frame.promise().set_awaiting(awaiting);
      return frame;
    }
  };

  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  std::coroutine_handle<promise_type> frame_;
};

namespace internal {

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}

inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

// The bottom of a stack of tasks: starts at once and destroys itself at its end.
struct Root {
  struct promise_type {
    static void* operator new(std::size_t size) { return NewFrame(size); }
    static void operator delete(void* frame, std::size_t size) noexcept {
      DeleteFrame(frame, size);
    }
    Root get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
  };
};

}  // namespace internal

// Runs `task` with nobody awaiting it, and hands `done` what came of it: the bug that left the task
// or null, and the value (when there is one). `done` must not throw.
template <class T, class Done>
internal::Root Start(Task<T> task, Done done) {
  std::exception_ptr bug;
  if constexpr (std::is_void_v<T>) {
    try {
      co_await std::move(task);
    } catch (...) {
      bug = std::current_exception();
    }
    done(bug);
  } else {
    std::optional<T> value;
    try {
      value.emplace(co_await std::move(task));
    } catch (...) {
      bug = std::current_exception();
    }
    done(bug, std::move(value));
  }
}

}  // namespace weir::async
