#include "weir/base/clock.h"

#include <chrono>

#include <gtest/gtest.h>

namespace weir {
namespace {

using std::chrono::seconds;

TEST(Clock, SystemClockNeverGoesBack) {
  const SystemClock clock;

  const TimePoint first = clock.Now();
  const TimePoint second = clock.Now();

  EXPECT_LE(first, second);
  EXPECT_GT(clock.WallNanos(), 1'700'000'000'000'000'000);  // later than 2023, earlier than 2262
}

TEST(After, AddsUntilItWouldOverflow) {
  const TimePoint start{seconds(100)};

  EXPECT_EQ(After(start, seconds(5)), TimePoint(seconds(105)));
  EXPECT_EQ(After(start, Duration::zero()), start);
  EXPECT_EQ(After(start, Duration::max()), kNever);
  EXPECT_EQ(After(kNever, seconds(1)), kNever);
  EXPECT_EQ(After(TimePoint(), Duration::max()), kNever);
}

TEST(FormatWallTime, WritesUtcWithMilliseconds) {
  EXPECT_EQ(FormatWallTime(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatWallTime(1'769'903'999'123'999'999), "2026-01-31T23:59:59.123Z");
  EXPECT_EQ(FormatWallTime(1'709'210'096'007'000'000), "2024-02-29T12:34:56.007Z");
}

}  // namespace
}  // namespace weir
