#pragma once

// Semaphore: at most N at once, first come first served, across loops and threads.

#include <cstddef>
#include <memory>

#include "weir/async/context.h"

namespace weir::async {

struct SemaphoreOptions {
  std::size_t permits = 1;          // how many may hold a permit at once
  std::size_t max_waiting = 65536;  // how many may queue; one more is refused with kBudgetExceeded
};

class Semaphore {
 public:
  // One place among the N. Destroying it (on any thread) lets the next waiter in.
  class Permit {
   public:
    Permit() = default;
    Permit(Permit&& other) noexcept = default;
    Permit& operator=(Permit&& other) noexcept;
    ~Permit() { Release(); }

    void Release();

   private:
    friend class Semaphore;
    struct State;
    explicit Permit(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  explicit Semaphore(SemaphoreOptions options);

  // A place if one is free at once.
  std::optional<Permit> TryAcquire();

  // Waits for a place. Fails with kCancelled, with kTimeout when the context's deadline comes
  // first, or at once when the queue is full.
  Task<Result<Permit>> Acquire(Context ctx);

  std::size_t in_use() const;
  std::size_t waiting() const;

 private:
  std::shared_ptr<Permit::State> state_;
};

}  // namespace weir::async
