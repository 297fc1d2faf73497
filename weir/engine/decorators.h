#pragma once

// Behaviour by decoration: each of these is an Engine that owns the next one. The order is that of
// client/wiring.cc.

#include <functional>
#include <memory>

#include "weir/engine/policy/retry_rule.h"
#include "weir/model/engine.h"

namespace weir::engine {

// Told before each wait: which retry comes (1 is the first), after which error, after which delay.
using RetryObserver = std::function<void(int retry, const Error& error, Duration delay)>;

// Repeats failed calls by the rule. A stream is repeated only until its first piece: it is handed
// on with that piece already fetched, so that a later retry is impossible by construction.
std::unique_ptr<model::Engine> NewRetryEngine(std::unique_ptr<model::Engine> next, RetryRule rule,
                                              Random random, RetryObserver observer = {});

struct LimitOptions {
  std::size_t max_in_flight = 64;   // calls (streams until their end) at once, over all threads
  std::size_t max_waiting = 65536;  // calls that may wait for a place
};

// Holds at most that many calls in flight; the others wait in order.
std::unique_ptr<model::Engine> NewLimitEngine(std::unique_ptr<model::Engine> next,
                                              LimitOptions options);

}  // namespace weir::engine
