#include "weir/engine/policy/breaker.h"

#include <algorithm>
#include <utility>

namespace weir::engine {

Result<void> BreakerOptions::Validate() const {
  if (failures < 0) return Fail(Code::kConfigError, "breaker.failures must be at least 0");
  if (open_for < Duration::zero()) {
    return Fail(Code::kConfigError, "breaker.open_for must be at least 0");
  }
  if (trials < 1) return Fail(Code::kConfigError, "breaker.trials must be at least 1");
  return {};
}

bool BlamesEngine(const Error& error) {
  return Retryable(error) || error.code == Code::kProtocolError || error.permanent;
}

bool Breaker::Admit(TimePoint now) {
  const std::scoped_lock lock(mutex_);
  if (state_ == State::kOpen && now >= reopen_) {
    state_ = State::kHalfOpen;
    trials_ = 0;
  }
  if (state_ == State::kClosed) return true;
  if (state_ == State::kOpen || trials_ >= options_.trials) return false;
  ++trials_;
  return true;
}

bool Breaker::OnSuccess() {
  const std::scoped_lock lock(mutex_);
  failures_ = 0;
  trials_ = 0;
  return std::exchange(state_, State::kClosed) != State::kClosed;
}

bool Breaker::OnFailure(TimePoint now) {
  const std::scoped_lock lock(mutex_);
  ++failures_;
  const bool trial_failed = state_ == State::kHalfOpen;
  if (trial_failed) {
    // Still the same outage: it was told of when it began.
    state_ = State::kOpen;
    reopen_ = After(now, options_.open_for);
    return false;
  }
  if (state_ == State::kOpen || options_.failures == 0 || failures_ < options_.failures) {
    return false;
  }
  state_ = State::kOpen;
  reopen_ = After(now, options_.open_for);
  return true;
}

void Breaker::OnNothing() {
  const std::scoped_lock lock(mutex_);
  trials_ = std::max(trials_ - 1, 0);
}

Breaker::State Breaker::state(TimePoint now) const {
  const std::scoped_lock lock(mutex_);
  return state_ == State::kOpen && now >= reopen_ ? State::kHalfOpen : state_;
}

}  // namespace weir::engine
