#pragma once

// Who may run, and when a token is due. The only place where the simulator waits.

#include <cstddef>

#include "weir/async/semaphore.h"

namespace weir::sim {

class Scheduler {
 public:
  using Seat = async::Semaphore::Permit;

  Scheduler(std::size_t seats, std::size_t max_waiting)
      : seats_({.permits = seats, .max_waiting = max_waiting}) {}

  // Waits for a seat, first come first served; it is given up when it is destroyed.
  async::Task<Result<Seat>> Enter(async::Context ctx) { return seats_.Acquire(ctx); }

  std::size_t running() const { return seats_.in_use(); }
  std::size_t waiting() const { return seats_.waiting(); }

 private:
  async::Semaphore seats_;
};

// Waits for the first tick at or after `at`; at once when that is past. Thousands of streams share
// the ticks of their loop, so one timer wakes many of them.
inline constexpr Duration kTick = std::chrono::microseconds(500);
async::Task<Result<void>> WaitUntil(async::Context ctx, TimePoint at);

// Waits until the context ends, and fails with its error.
async::Task<Result<void>> WaitForever(async::Context ctx);

}  // namespace weir::sim
