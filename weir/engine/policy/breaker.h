#pragma once

// The circuit breaker of one engine: after some failures in a row its calls go elsewhere for a
// while, then a few are let through to see whether it is back. A plain object, shared by the retry
// decorator (which stops repeating once it is open) and the fallback decorator (which goes to the
// next engine). Thread-safe; the caller brings the time.

#include <cstdint>
#include <mutex>

#include "weir/base/clock.h"
#include "weir/base/error.h"
#include "weir/base/result.h"

namespace weir::engine {

struct BreakerOptions {
  int failures = 5;                              // in a row, until it opens; 0: it never does
  Duration open_for = std::chrono::seconds(30);  // until a trial is let through
  int trials = 3;                                // at once while it is half open

  Result<void> Validate() const;
};

// Whether an error says something about the engine, not about the call: whatever may be over at the
// next try, and an answer that breaks the rules.
bool BlamesEngine(const Error& error);

class Breaker {
 public:
  enum class State : std::uint8_t { kClosed, kOpen, kHalfOpen };

  explicit Breaker(BreakerOptions options) : options_(options) {}

  // Whether a call may go now. While half open it takes one of the trial places, which the next
  // OnSuccess(), OnFailure() or OnNothing() gives back.
  bool Admit(TimePoint now);

  // How an admitted call, or one attempt of it, ended. Each returns whether that changed the state,
  // so that exactly one caller tells of it.
  bool OnSuccess();
  bool OnFailure(TimePoint now);
  // It was cancelled, or failed for reasons of its own.
  void OnNothing();

  State state(TimePoint now) const;

 private:
  const BreakerOptions options_;
  mutable std::mutex mutex_;
  State state_ = State::kClosed;
  int failures_ = 0;  // in a row
  int trials_ = 0;    // out now
  TimePoint reopen_{};
};

}  // namespace weir::engine
