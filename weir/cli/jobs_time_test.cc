#include "weir/cli/jobs_time.h"

#include <string>

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

constexpr std::int64_t kNowMillis = 1'769'904'000'000;  // 2026-02-01T00:00:00Z

TEST(JobsTime, SpansAreNumbersWithUnits) {
  struct Row {
    const char* text;
    std::int64_t millis;
  };
  for (const Row& row : {Row{"0s", 0}, Row{"250ms", 250}, Row{"90s", 90'000}, Row{"10m", 600'000},
                         Row{"1h30m", 5'400'000}, Row{"7d", 604'800'000}, Row{"2w", 1'209'600'000},
                         Row{"36525d", 3'155'760'000'000}}) {
    EXPECT_EQ(ParseSpan(row.text).value_or(-1), row.millis) << row.text;
  }
}

TEST(JobsTime, WhatIsNoSpanIsRefused) {
  for (const char* text : {"", "7", "d", "-1d", "1.5h", "7 d", "7d ", "1h30", "7y", "36526d",
                           "99999999999999s", "9999999999999w", "36525d1ms"}) {
    EXPECT_FALSE(ParseSpan(text)) << text;
  }
}

TEST(JobsTime, MomentsAreDatesOrCountFromNow) {
  struct Row {
    const char* text;
    std::int64_t millis;
  };
  for (const Row& row :
       {Row{"+10m", kNowMillis + 600'000}, Row{"2026-02-01", kNowMillis},
        Row{"2026-02-01T00:00Z", kNowMillis}, Row{"2026-02-01 00:00:01", kNowMillis + 1000},
        Row{"2026-02-01T00:00:01.25Z", kNowMillis + 1250},
        Row{"2026-02-01T00:00:00.123456789Z", kNowMillis + 123},
        Row{"2026-02-01T01:00:00+01:00", kNowMillis}, Row{"2026-01-31T19:00:00-0500", kNowMillis},
        Row{"1970-01-01", 0}, Row{"2024-02-29", 1'709'164'800'000}}) {
    EXPECT_EQ(ParseMoment(row.text, kNowMillis).value_or(-1), row.millis) << row.text;
  }
}

TEST(JobsTime, WhatIsNoMomentIsRefused) {
  for (const char* text :
       {"", "+", "+5", "noon", "2026-13-01", "2026-02-30", "2026-02-01T24:00Z", "2026-02-01T00:60Z",
        "2026-02-01T00:00:60Z", "2026-02-01T00:00:00.Z", "2026-02-01T", "2026-02-01T00:00ZZ",
        "2026-02-01T00:00+1", "26-02-01", "2026-02-01T00:00+24:00", "2026-02-01T00:00 Z"}) {
    EXPECT_FALSE(ParseMoment(text, kNowMillis)) << text;
  }
}

TEST(JobsTime, ACutTimeIsRefusedOrATimeOfItsOwn) {
  const std::string whole = "2026-02-01T01:02:03.456+01:30";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const bool good = size == 10 || size == 16 || size == 19 || (size > 20 && size <= 23);
    EXPECT_EQ(ParseMoment(whole.substr(0, size), kNowMillis).has_value(), good) << size;
  }
  const std::string span = "1w2d3h4m5s6ms";
  for (std::size_t size = 0; size < span.size(); ++size) {
    const bool unit = size > 0 && (span[size - 1] < '0' || span[size - 1] > '9');
    EXPECT_EQ(ParseSpan(span.substr(0, size)).has_value(), unit) << size;
  }
}

}  // namespace
}  // namespace weir::cli
