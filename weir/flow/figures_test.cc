#include "weir/flow/figures.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

TEST(FiguresTest, CountsAreGroupedByThousands) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
}

TEST(FiguresTest, RatesAreCompact) {
  EXPECT_EQ(Compact(-1), "0");
  EXPECT_EQ(Compact(0.04), "0");
  EXPECT_EQ(Compact(4.21), "4.2");
  EXPECT_EQ(Compact(9.96), "10");
  EXPECT_EQ(Compact(1234), "1,234");
  EXPECT_EQ(Compact(9999.6), "10k");
  EXPECT_EQ(Compact(12'345), "12.3k");
  EXPECT_EQ(Compact(999'600), "1M");
  EXPECT_EQ(Compact(2.5e9), "2.5G");
  EXPECT_EQ(Rate(4.21), "4.2");
  EXPECT_EQ(Rate(12'345.4), "12,345");
}

RC_GTEST_PROP(FiguresProperty, ARateNeedsFiveCharacters, ()) {
  const auto number = *rc::gen::inRange<std::int64_t>(0, 900'000'000'000'000);
  RC_ASSERT(Compact(static_cast<double>(number)).size() <= 5U);
}

TEST(FiguresTest, TimesAreWhatAPersonWouldSay) {
  EXPECT_EQ(ShortTime(-1s), "0 s");
  EXPECT_EQ(ShortTime(3600ms), "4 s");
  EXPECT_EQ(ShortTime(60s), "1 min");
  EXPECT_EQ(ShortTime(200s), "3 min 20 s");
  EXPECT_EQ(ShortTime(3900s), "1 h 5 min");
  EXPECT_EQ(Latency(0s), "0 ms");
  EXPECT_EQ(Latency(1234us), "1.23 ms");
  EXPECT_EQ(Latency(850ms), "850 ms");
  EXPECT_EQ(Latency(1254ms), "1.25 s");
  EXPECT_EQ(Latency(200s), "3 min 20 s");
}

TEST(FiguresTest, APartIsNotAllBeforeItIs) {
  EXPECT_EQ(Percent(0), "0 %");
  EXPECT_EQ(Percent(0.1299), "12 %");
  EXPECT_EQ(Percent(0.99999), "99 %");
  EXPECT_EQ(Percent(1), "100 %");
}

}  // namespace
}  // namespace weir::flow
