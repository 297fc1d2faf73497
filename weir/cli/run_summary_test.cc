#include "weir/cli/run_summary.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/cli/markdown/character.h"
#include "weir/cli/run_testing.h"

namespace weir::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class RunSummaryTest : public testing::Test {
 protected:
  RunSummaryTest() {
    Advance(graph_, stats_, 2000, 2000);
    kind_.cost = 0.1 + 0.2;
    kind_.cached_tokens = 40'000;
    kind_.cached_of = 199'900;
    for (int i = 0; i < 10; ++i) kind_.latencies.Add(1s);
  }
  std::string Text(SummaryOptions options = {}) const {
    return RunSummary(graph_, stats_, TimePoint() + 10s, options);
  }

  const flow::Graph graph_ = TestGraph();
  flow::RunStats stats_{graph_};
  flow::NodeStats& kind_ = stats_.nodes[1];
};

TEST_F(RunSummaryTest, EveryNodeHasItsFigures) {
  EXPECT_EQ(Text({.width = 100}),
            R"(2,000 rows in 10 s: 1,999 ok, 1 failed · 200 rows/s · 11,994 tokens/s
prefix cache: the servers had 20 % of the prompts

node       ok  failed  skipped  tokens in  cached  tokens out     p50     p95  cost
short   2,000
kind    1,999       1             199,900  40,000      19,990  996 ms  996 ms   0.3
tone    1,999                1
polish  1,999                1    199,900              19,990
check   1,999                1    199,900              19,990
relax   1,999                1    199,900              19,990
route   1,999                1
first   1,999                1    199,900              19,990
second  1,999                1    199,900              19,990
all                             1,199,400  40,000     119,940                   0.3
)");
}

TEST_F(RunSummaryTest, CostsOfOneCurrencyNameItAndRowsThatWereLeftAreCounted) {
  stats_.currency = "EUR";
  stats_.rows_skipped = 12;
  EXPECT_THAT(Text(), HasSubstr("cost (EUR)"));
  EXPECT_THAT(Text(), HasSubstr("12 rows were skipped: no tokens were left for them\n"));
}

TEST_F(RunSummaryTest, LinesFitTheTerminal) {
  for (flow::NodeStats& node : stats_.nodes) {
    node.dropped = node.repaired = node.retries = node.reused = 123'456;
    node.sure_count = 2;
    node.sure_sum = 1.5;
    node.sure_least = 0.5;
    node.cost_unknown = true;
  }
  for (const int width : {72, 80, 100}) {
    const std::string text = Text({.width = width});
    for (const std::string_view line : Split(text, '\n')) EXPECT_LE(TextWidth(line), width) << line;
    EXPECT_THAT(text, HasSubstr("least sure"));
  }
}

TEST_F(RunSummaryTest, APrefixCacheThatNoServerTellsOfIsUnknown) {
  kind_.cached_of = 0;
  EXPECT_THAT(Text(), HasSubstr("\nprefix cache: unknown, no server said"));
}

TEST_F(RunSummaryTest, OneRowIsNotSeveral) {
  stats_.rows_done = stats_.rows_ok = stats_.rows_before = 1;
  EXPECT_THAT(Text(), HasSubstr("1 row in"));
  EXPECT_THAT(Text(), HasSubstr("1 row was done before"));
}

TEST_F(RunSummaryTest, ACostThatNobodyKnowsIsUnknown) {
  kind_.cost_unknown = true;
  EXPECT_THAT(Text(), HasSubstr("≥ 0.3"));
  EXPECT_THAT(Text({.unicode = false}), HasSubstr(">= 0.3"));
  stats_.nodes[3].cost = 0.3;
  kind_.cost = 0;
  EXPECT_THAT(Text(), HasSubstr("unknown"));
}

TEST_F(RunSummaryTest, WithoutAnyPriceThereIsNoColumnOfCosts) {
  kind_.cost = 0;
  kind_.cost_unknown = true;
  EXPECT_THAT(Text(), Not(HasSubstr("cost")));
}

TEST_F(RunSummaryTest, RowsThatEndedBehindASlowOneAreCounted) {
  stats_.rows_done = 2;
  stats_.rows_waiting = 1'998;
  EXPECT_THAT(Text(), HasSubstr("1,998 rows more have ended behind row 3, which has not"));
}

TEST_F(RunSummaryTest, FailuresAreNamedByHowManyThereAreWithTheFirstOfEach) {
  stats_.errors = {{"http_400", 2}, {"io_error", 1}, {"timeout", 1'200}, {"truncated", 3}};
  stats_.examples["timeout"] = {.row_id = "t7", .node = "kind", .message = "too\nlate"};
  EXPECT_THAT(FailureLines(stats_),
              testing::ElementsAre("1,200 x timeout; row t7, kind: too late", "3 x truncated",
                                   "2 x http_400", "and 1 other kind"));
}

TEST_F(RunSummaryTest, OfAResumedRunTotalsAreOfAllSessionsAndRatesOfThisOne) {
  EXPECT_THAT(Text(), Not(HasSubstr("reused")));
  stats_.rows_before = 1500;
  stats_.earlier = 50s;
  stats_.sessions = 2;
  stats_.session = {.rows = 500, .calls = 500, .prompt_tokens = 9, .completion_tokens = 3000};
  kind_.reused = 1500;

  EXPECT_THAT(Text(), HasSubstr("2,000 rows in 1 min of 2 sessions: 1,999 ok, 1 failed\n"
                                "this session: 500 rows in 10 s · 50 rows/s · 300 tokens/s\n"
                                "1,500 rows were done before"));
  EXPECT_THAT(Text(), HasSubstr("reused"));
}

TEST_F(RunSummaryTest, FallbacksAreNamedWhereThereWereAny) {
  EXPECT_THAT(Text(), Not(HasSubstr("fallbacks")));
  kind_.fallbacks = 3;
  EXPECT_THAT(Text(), HasSubstr("fallbacks"));
  EXPECT_THAT(Text(), Not(HasSubstr("retries")));
}

TEST_F(RunSummaryTest, ColoursAreForTerminals) {
  EXPECT_THAT(Text(), Not(HasSubstr("\033")));
  EXPECT_THAT(Text({.colour = true}), HasSubstr("\033[31m"));
}

TEST_F(RunSummaryTest, ARunWithoutRowsHasNoTable) {
  const flow::RunStats nothing(graph_);
  EXPECT_EQ(RunSummary(graph_, nothing, TimePoint(), {}),
            "0 rows in 0 ms: 0 ok, 0 failed · 0 rows/s\n");
}

}  // namespace
}  // namespace weir::cli
