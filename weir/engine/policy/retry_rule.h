#pragma once

// When to ask again, and how long to wait: plain data and a plain function, shared by the retry
// decorator and whoever else repeats requests.

#include <atomic>
#include <cstdint>
#include <optional>

#include "weir/base/clock.h"
#include "weir/base/error.h"
#include "weir/base/random.h"
#include "weir/base/result.h"

namespace weir::engine {

struct RetryRule {
  int max_retries = 3;                            // tries after the first; 0 never repeats
  Duration base_delay = std::chrono::seconds(1);  // before the first repeat
  double multiplier = 2.0;                        // each further delay is that much longer
  Duration max_delay = std::chrono::seconds(60);  // caps the growth ...
  Duration max_retry_after =
      std::chrono::seconds(120);  // ... a server that asks for more is given up
  double jitter = 0.2;  // up to this part of a delay is left off at random, so that clients spread

  Result<void> Validate() const;
};

// The wait before retry number `retry` (1 is the first), or nullopt when `error` is not one that
// repeating can mend, the tries are used up, or the server asks for more patience than the rule
// has.
std::optional<Duration> RetryDelay(const RetryRule& rule, int retry, const Error& error,
                                   Random& random);

// Keeps retries from multiplying an overload: a failure takes a token, a success gives a tenth
// back, and below half of the tokens nobody retries. Thread-safe; one per engine.
class RetryBudget {
 public:
  explicit RetryBudget(int tokens = 100) : full_(tokens * 10), tenths_(tokens * 10) {}

  void OnSuccess();
  void OnFailure();
  bool Allows() const { return tenths_.load(std::memory_order_relaxed) * 2 > full_; }

 private:
  const int full_;
  std::atomic<int> tenths_;
};

}  // namespace weir::engine
