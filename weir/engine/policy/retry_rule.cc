#include "weir/engine/policy/retry_rule.h"

#include <algorithm>
#include <cmath>

#include "weir/base/text.h"

namespace weir::engine {
Result<void> RetryRule::Validate() const {
  if (max_retries < 0) return Fail(Code::kConfigError, "retry.max_retries must be at least 0");
  if (base_delay < Duration::zero() || max_delay < base_delay) {
    return Fail(Code::kConfigError, "retry.base_delay must be between 0 and retry.max_delay");
  }
  if (!(multiplier >= 1)) return Fail(Code::kConfigError, "retry.multiplier must be at least 1");
  if (!(jitter >= 0 && jitter <= 1))
    return Fail(Code::kConfigError, "retry.jitter must be in [0, 1]");
  return {};
}

std::optional<Duration> RetryDelay(const RetryRule& rule, int retry, const Error& error,
                                   Random& random) {
  if (retry > rule.max_retries || !Retryable(error)) return std::nullopt;
  if (error.retry_after > rule.max_retry_after) return std::nullopt;
  const double grown =
      static_cast<double>(rule.base_delay.count()) * std::pow(rule.multiplier, retry - 1);
  const double capped = std::min(grown, static_cast<double>(rule.max_delay.count()));
  const Duration own(static_cast<std::int64_t>(capped * (1 - rule.jitter * random.Uniform())));
  // A server whose clock is behind asks for no wait at all: the least it asks for is not all.
  return std::max<Duration>(own, error.retry_after.value_or(std::chrono::milliseconds(0)));
}

void RetryBudget::OnSuccess() {
  const int now = tenths_.load(std::memory_order_relaxed);
  if (now < full_) tenths_.fetch_add(1, std::memory_order_relaxed);
}

void RetryBudget::OnFailure() {
  const int now = tenths_.load(std::memory_order_relaxed);
  if (now >= 10) tenths_.fetch_sub(10, std::memory_order_relaxed);
}

}  // namespace weir::engine
