#include "weir/cli/run_frame.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/cli/markdown/character.h"
#include "weir/cli/run_testing.h"

namespace weir::cli {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class RunFrameTest : public testing::Test {
 protected:
  // 600 of 2,000 rows in ten seconds.
  void RunForAWhile() {
    Advance(graph_, stats_, 0, 2000);
    rates_.Sample(stats_, TimePoint());
    Advance(graph_, stats_, 600, 2000);
    rates_.Sample(stats_, now_);
  }
  std::vector<std::string> Frame(FrameOptions options) const {
    options.colour = false;
    return RunFrame(graph_, stats_, rates_, now_, options);
  }
  std::string Text(const FrameOptions& options) const {
    std::string text;
    for (const std::string& line : Frame(options)) StrAppend(text, line, "\n");
    return text;
  }

  const flow::Graph graph_ = TestGraph();
  flow::RunStats stats_{graph_};
  Rates rates_;
  TimePoint now_ = TimePoint() + 10s;
};

TEST_F(RunFrameTest, WideTerminalShowsAllThereIs) {
  RunForAWhile();
  stats_.nodes[1].retries = 3;

  EXPECT_EQ(Text({.width = 110}), R"(reviews · 10 s
━━━━━━━━━━━━━━╸─────────────────────────────────  30 % · 600 of 2,000 rows · 23 s left
599 ok · 1 failed · 60 rows/s · 3,594 tokens/s · 12 in flight · 3 retries
                                                   rows      ok  failed  in flight  retries  rows/s  tokens/s
▸ short                   ━━━━━─────────────  600/2,000     600                                  60
▸ kind [gpu0]             ━━━━━╸────────────  600/2,000     599       1          2        3      60       599
▸ tone                    ━━━━━─────────────  600/2,000     599                                  60
├ formal
│ ├ ▸ polish [gpu0]       ━━━━━╸────────────  600/2,000     599                  2               60       599
│ └ ▸ check [gpu1]        ━━━━━╸────────────  600/2,000     599                  2               60       599
└ ▸ casual: relax [gpu0]  ━━━━━╸────────────  600/2,000     599                  2               60       599
▸ route                   ━━━━━─────────────  600/2,000     599                                  60
├ ▸ "a": first [gpu0]                               600     599                  2               60       599
└ ▸ "b": second [gpu0]                              600     599                  2               60       599
)");
}

TEST_F(RunFrameTest, NarrowTerminalsGetFewerColumns) {
  RunForAWhile();
  EXPECT_THAT(Text({.width = 120}), HasSubstr("retries"));
  EXPECT_THAT(Text({.width = 80}), Not(HasSubstr("retries")));
  EXPECT_THAT(Text({.width = 80}), HasSubstr("in flight"));
  EXPECT_THAT(Text({.width = 80}), HasSubstr("rows/s"));
  EXPECT_THAT(Text({.width = 40}), Not(HasSubstr("in flight")));
  EXPECT_THAT(Text({.width = 40}), HasSubstr("600/2,000"));
}

TEST_F(RunFrameTest, EnginesOnTheirWayAreNamed) {
  stats_.engines["gpu0"] = {.state = flow::EngineState::kStarting, .since = now_ - 4s};
  stats_.engines["gpu1"] = {.state = flow::EngineState::kUp};
  stats_.engines["gpu2"] = {.state = flow::EngineState::kFailed, .since = now_, .note = "pid\n9"};

  EXPECT_THAT(Frame({}), Contains("gpu0 starting 4 s · gpu2 failed 0 s (pid 9)"));
}

TEST_F(RunFrameTest, PhaseAndPassAreTold) {
  stats_.passes = 3;
  stats_.pass = 1;
  stats_.phase = "warming up prefixes";

  EXPECT_EQ(Frame({}).front(), "reviews · pass 2 of 3 · 10 s · warming up prefixes");
}

TEST_F(RunFrameTest, BeforeAnythingIsKnownThereIsNoBar) {
  EXPECT_THAT(Text({}), Not(HasSubstr("━")));
  EXPECT_THAT(Text({}), HasSubstr("0 rows\n"));
  EXPECT_THAT(Text({}), Not(HasSubstr("left")));
}

TEST_F(RunFrameTest, WithoutUnicodeEverythingIsAscii) {
  RunForAWhile();

  const std::string text = Text({.unicode = false});

  EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c > 0; })) << text;
  EXPECT_THAT(text, HasSubstr("`- > \"b\""));
}

TEST_F(RunFrameTest, QuietBranchesAreFoldedFirst) {
  Advance(graph_, stats_, 600, 2000);
  for (flow::NodeStats& node : stats_.nodes) node.in_flight = 0;
  stats_.nodes[graph_.Find("relax")->index].in_flight = 1;

  const std::string text = Text({.height = 14});

  EXPECT_THAT(text, HasSubstr("formal: 2 nodes"));
  EXPECT_THAT(text, HasSubstr("casual: relax"));
  EXPECT_THAT(text, Not(HasSubstr("polish")));
}

TEST_F(RunFrameTest, WhatDoesNotFitIsCounted) {
  RunForAWhile();

  EXPECT_THAT(Frame({.height = 9}).back(), HasSubstr("more"));
  EXPECT_THAT(Frame({.height = 9}), SizeIs(8));
}

TEST_F(RunFrameTest, DroppedRowsAreNotAwaitedBehind) {
  Advance(graph_, stats_, 600, 2000);
  stats_.nodes[0].ok = 500;
  stats_.nodes[0].dropped = 100;

  EXPECT_THAT(Text({}), HasSubstr("600/1,900"));
}

TEST_F(RunFrameTest, NamesFromOutsideDoNothingToTheTerminal) {
  stats_.engines["\033[2Jx"] = {.state = flow::EngineState::kStarting, .since = now_};
  EXPECT_THAT(Text({}), Not(HasSubstr("\033")));
}

TEST(ProgressLineTest, SaysEverythingInOneLine) {
  const flow::Graph graph = TestGraph();
  flow::RunStats stats(graph);
  Rates rates;
  Advance(graph, stats, 0, 2000);
  rates.Sample(stats, TimePoint());
  Advance(graph, stats, 1200, 2000);
  rates.Sample(stats, TimePoint() + 10s);

  EXPECT_EQ(ProgressLine(stats, rates, TimePoint() + 10s, true),
            "1,200 of 2,000 rows · 1,199 ok · 1 failed · 120 rows/s · 7,194 tokens/s · 7 s left");
  EXPECT_THAT(ProgressLine(stats, rates, TimePoint() + 10s, false), HasSubstr("rows, 1,199 ok, "));
}

TEST(RatesTest, TheLastTenSecondsCount) {
  const flow::Graph graph = LongGraph(1);
  flow::RunStats stats(graph);
  Rates rates;
  EXPECT_EQ(rates.rows(), 0);
  EXPECT_EQ(rates.Left(stats, TimePoint()), std::nullopt);
  std::uint64_t done = 0;
  for (int second = 0; second <= 60; ++second) {
    done += second < 30 ? 100 : 20;
    Advance(graph, stats, done, 10'000);
    rates.Sample(stats, TimePoint() + std::chrono::seconds(second));
  }

  EXPECT_NEAR(rates.rows(), 20, 0.01);
  EXPECT_NEAR(rates.node_rows(0), 20, 0.01);
  EXPECT_NEAR(rates.tokens(), 200, 0.1);
  EXPECT_EQ(*rates.Left(stats, TimePoint() + 60s), 319s);
}

TEST(RatesTest, WhatAResumeTakesOverIsNotSpeed) {
  const flow::Graph graph = LongGraph(1);
  flow::RunStats stats(graph);
  Rates rates;
  rates.Sample(stats, TimePoint());
  for (int second = 1; second <= 5; ++second) {
    const auto worked = static_cast<std::uint64_t>(10 * second);
    Advance(graph, stats, 500 + worked, 600);
    stats.rows_replayed = 500;
    stats.nodes[0].reused = 500;
    stats.nodes[0].reused_tokens = 5000;
    rates.Sample(stats, TimePoint() + std::chrono::seconds(second));
  }

  EXPECT_NEAR(rates.rows(), 10, 0.01);
  EXPECT_NEAR(rates.node_rows(0), 10, 0.3) << "one row failed";
  EXPECT_NEAR(rates.tokens(), 100, 3);
  EXPECT_EQ(*rates.Left(stats, TimePoint() + 5s), 5s);
}

TEST(RatesTest, SlowRowsAreTimedOverTheWholeRun) {
  const flow::Graph graph = LongGraph(1);
  flow::RunStats stats(graph);
  Rates rates;
  for (int second = 0; second <= 100; ++second) {
    Advance(graph, stats, static_cast<std::uint64_t>(second / 50), 4);
    rates.Sample(stats, TimePoint() + std::chrono::seconds(second));
  }

  EXPECT_EQ(rates.Left(stats, TimePoint() + 100s), 100s);
}

TEST(RatesTest, APassThatBeginsAnewIsNoStepBack) {
  const flow::Graph graph = LongGraph(1);
  flow::RunStats stats(graph);
  Rates rates;
  Advance(graph, stats, 100, 100);
  rates.Sample(stats, TimePoint());
  Advance(graph, stats, 10, 100);
  rates.Sample(stats, TimePoint() + 1s);
  EXPECT_EQ(rates.rows(), 0);
  Advance(graph, stats, 20, 100);
  rates.Sample(stats, TimePoint() + 2s);
  EXPECT_EQ(rates.rows(), 10);
}

// Whatever the figures and the terminal are, a frame fits into it.
RC_GTEST_PROP(RunFrameProperty, AFrameFits, ()) {
  const flow::Graph graph = *rc::gen::arbitrary<bool>() ? TestGraph() : LongGraph(30);
  flow::RunStats stats(graph);
  Rates rates;
  Advance(graph, stats, 0, *rc::gen::inRange<std::uint64_t>(0, 2'000'000'000));
  rates.Sample(stats, TimePoint());
  for (flow::NodeStats& node : stats.nodes) {
    node.ok = *rc::gen::inRange<std::uint64_t>(0, 2'000'000'000);
    node.failed = *rc::gen::inRange<std::uint64_t>(0, 2'000);
    node.in_flight = *rc::gen::inRange<std::uint64_t>(0, 2);
    node.completion_tokens = *rc::gen::inRange<std::int64_t>(0, 2'000'000'000);
  }
  stats.rows_done = *rc::gen::inRange<std::uint64_t>(0, 2'000'000'000);
  stats.engines["日本語"] = {.state = flow::EngineState::kStarting};
  rates.Sample(stats, TimePoint() + 5s);
  const FrameOptions options{.width = *rc::gen::inRange(1, 200),
                             .height = *rc::gen::inRange(1, 60),
                             .colour = false,
                             .unicode = *rc::gen::arbitrary<bool>()};

  const std::vector<std::string> lines = RunFrame(graph, stats, rates, TimePoint() + 5s, options);

  RC_ASSERT(lines.size() <= static_cast<std::size_t>(std::max(options.height - 1, 1)));
  for (const std::string& line : lines)
    RC_ASSERT(TextWidth(line) <= std::max(options.width - 1, 1));
}

}  // namespace
}  // namespace weir::cli
