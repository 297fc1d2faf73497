#include "weir/cli/top_snapshot.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/clock.h"

namespace weir::cli {
namespace {

using events::Moment;

constexpr Moment kFirst(1'700'000'000'500);  // 2023-11-14T22:13:20.500Z

TEST(MomentOf, IsReadInEachOfItsForms) {
  const struct {
    std::string_view text;
    std::string_view moment;
  } cases[] = {
      {"+0", "2023-11-14T22:13:20.500Z"},
      {"+12.25", "2023-11-14T22:13:32.750Z"},
      {"22:13:21", "2023-11-14T22:13:21.000Z"},
      {"22:13:21.5", "2023-11-14T22:13:21.500Z"},
      {"22:13:21.250", "2023-11-14T22:13:21.250Z"},
      {"00:00:01", "2023-11-15T00:00:01.000Z"},
      {"2023-11-14T22:13:20.500Z", "2023-11-14T22:13:20.500Z"},
      {"2023-11-13T01:02:03Z", "2023-11-13T01:02:03.000Z"},
      {"2023-11-13T01:02:03", "2023-11-13T01:02:03.000Z"},
  };
  for (const auto& [text, moment] : cases) {
    const Result<Moment> read = MomentOf(text, kFirst);
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_EQ(FormatWallTime(std::chrono::nanoseconds(*read).count()), moment) << text;
  }
}

TEST(MomentOf, WhatIsNoMomentIsRefused) {
  for (const char* text : {"", "+", "+x", "+-1", "+1e99", "12", "22:13", "22:13:20.1234", "Z",
                           "22:13:20Z", "2023-13-14T22:13:20Z", "2023-11-14", "T", "now"}) {
    const Result<Moment> read = MomentOf(text, kFirst);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, Code::kConfigError);
  }
}

TEST(KeepAgent, LeavesNothingOfTheOthers) {
  events::ActivityState state;
  state.agents = {{.key = "r\na", .id = "a"}, {.key = "r\nb", .id = "b"}};
  state.streams = {{.agent = "r\na"}, {.agent = "r\nb"}, {.agent = ""}};
  state.recent = {{.agent = "r\nb"}, {.agent = ""}, {.agent = "r\na"}};

  KeepAgent(state, "b");

  ASSERT_EQ(state.agents.size(), 1U);
  EXPECT_EQ(state.agents[0].id, "b");
  EXPECT_EQ(state.streams.size(), 1U);
  EXPECT_EQ(state.recent.size(), 1U);
}

}  // namespace
}  // namespace weir::cli
