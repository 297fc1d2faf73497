#pragma once

// Time as the runtime sees it: a monotonic point for deadlines, a wall clock for what people read.

#include <chrono>
#include <cstdint>
#include <string>

namespace weir {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

inline constexpr TimePoint kNever = TimePoint::max();
inline constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

constexpr std::int64_t WholeMillis(Duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

class Clock {
 public:
  virtual ~Clock() = default;

  virtual TimePoint Now() const = 0;
  // Nanoseconds since 1970, UTC.
  virtual std::int64_t WallNanos() const = 0;
};

class SystemClock final : public Clock {
 public:
  TimePoint Now() const override;
  std::int64_t WallNanos() const override;
};

// `now + wait` without overflow: a wait too long to count is kNever.
TimePoint After(TimePoint now, Duration wait);

// "2026-01-31T23:59:59.123Z"
std::string FormatWallTime(std::int64_t wall_nanos);

}  // namespace weir
