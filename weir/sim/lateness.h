#pragma once

// Lateness: how long after they were due the tokens left, measured inside the simulator, so that a
// load test can tell a slow client from a late server. Thread-safe; counts in steps of 50 us.

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "weir/base/clock.h"

namespace weir::sim {

class Lateness {
 public:
  void Add(Duration late);
  void Reset();

  // {"tokens":n,"p50_us":...,"p99_us":...,"max_us":...}; of a quantile the upper end of its step.
  std::string Json() const;

 private:
  static constexpr std::int64_t kStepMicros = 50;
  static constexpr std::size_t kSteps = 2000;  // up to 100 ms; the last one takes the rest

  std::array<std::atomic<std::uint64_t>, kSteps> counts_{};
  std::atomic<std::int64_t> most_micros_ = 0;
};

}  // namespace weir::sim
