#include "weir/base/clock.h"

#include <cstdio>
#include <ctime>

namespace weir {

TimePoint SystemClock::Now() const { return std::chrono::steady_clock::now(); }

std::int64_t SystemClock::WallNanos() const {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

TimePoint After(TimePoint now, Duration wait) { return wait >= kNever - now ? kNever : now + wait; }

std::string FormatWallTime(std::int64_t wall_nanos) {
  const std::time_t seconds = wall_nanos / 1'000'000'000;
  const int millis = static_cast<int>(wall_nanos / 1'000'000 % 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof(text) - length, ".%03dZ", millis);
  return text;
}

}  // namespace weir
