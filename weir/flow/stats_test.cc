#include "weir/flow/stats.h"

#include <chrono>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/json/reader.h"

namespace weir::flow {
namespace {

using namespace std::chrono_literals;

Graph TwoNodes() {
  Flow flow{.name = "two"};
  flow.nodes.push_back({.id = "keep", .what = Apply{.where = {.text = "true"}}});
  flow.nodes.push_back({.id = "ask", .what = Step{.user = {.text = "hi"}}});
  Result<Graph> graph = Graph::Compile(std::move(flow));
  return std::move(graph).value();
}

double MillisOf(Duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

TEST(LatenciesTest, WithoutAnyThereIsNoQuantile) { EXPECT_EQ(Latencies().Quantile(0.5), 0ms); }

TEST(LatenciesTest, TimesOutsideTheBucketsAreKeptInTheOutermost) {
  Latencies latencies;
  latencies.Add(-1s);
  latencies.Add(10us);
  latencies.Add(1000h);

  EXPECT_EQ(latencies.count(), 3U);
  EXPECT_LT(latencies.Quantile(0.5), 2ms);
  EXPECT_GT(latencies.Quantile(1), 23h);
}

TEST(LatenciesTest, QuantilesComeInOrder) {
  Latencies latencies;
  for (int i = 1; i <= 1000; ++i) latencies.Add(std::chrono::milliseconds(i));

  EXPECT_NEAR(MillisOf(latencies.Quantile(0.5)), 500, 25);
  EXPECT_NEAR(MillisOf(latencies.Quantile(0.95)), 950, 48);
  EXPECT_LT(latencies.Quantile(0), 2ms);
}

RC_GTEST_PROP(LatenciesProperty, ATimeIsKeptToFivePercent, ()) {
  const auto millis = *rc::gen::inRange(1, 24 * 3600 * 1000);
  Latencies latencies;
  latencies.Add(std::chrono::milliseconds(millis));

  const double kept = MillisOf(latencies.Quantile(0.5));

  RC_ASSERT(kept > millis / 1.05);
  RC_ASSERT(kept < millis * 1.05);
}

TEST(RunStatsTest, ASumIsUnknownWhereOnePartIs) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  stats.nodes[0].ok = 3;
  stats.nodes[1].ok = 2;
  stats.nodes[1].cost = 0.5;
  EXPECT_FALSE(stats.Sum().cost_unknown);
  EXPECT_FALSE(stats.Sum().tokens_unknown);

  stats.nodes[0].cost_unknown = true;
  stats.nodes[1].tokens_unknown = true;
  stats.nodes[1].sure_least = 0.25;
  stats.nodes[1].latencies.Add(1s);

  const NodeStats sum = stats.Sum();
  EXPECT_EQ(sum.ok, 5U);
  EXPECT_EQ(sum.cost, 0.5);
  EXPECT_TRUE(sum.cost_unknown);
  EXPECT_TRUE(sum.tokens_unknown);
  EXPECT_EQ(sum.sure_least, 0.25);
  EXPECT_EQ(sum.latencies.count(), 1U);
  EXPECT_NEAR(MillisOf(sum.latencies.Quantile(0.5)), 1000, 25);
}

TEST(RunStatsTest, ARestoredRunKnowsWhatIsFromBefore) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  stats.started = TimePoint() + 5s;
  stats.rows_total = 10;
  stats.rows_read = 8;
  stats.rows_done = 6;
  stats.rows_ok = 5;
  stats.rows_failed = 1;
  stats.pass = 1;
  stats.passes = 2;
  stats.nodes[1].ok = 5;
  stats.nodes[1].failed = 1;
  stats.nodes[1].in_flight = 2;

  RunStats after(graph);
  after.Restore(json::Read(stats.Json(TimePoint() + 8s)).value());

  EXPECT_EQ(after.earlier, 3s);
  EXPECT_EQ(after.rows_total, 10U);
  EXPECT_EQ(after.rows_read, 6U);  // those in between are read again
  EXPECT_EQ(after.rows_done, 6U);
  EXPECT_EQ(after.rows_before, 6U);
  EXPECT_EQ(after.pass, 1U);
  EXPECT_EQ(after.nodes[1].ok, 5U);
  EXPECT_EQ(after.nodes[1].reused, 6U);
  EXPECT_EQ(after.nodes[1].in_flight, 0U);
}

TEST(NodeStatsTest, AnAttemptAtAnotherEngineIsNoRetry) {
  struct TriesCase {
    const char* what;
    std::vector<std::string> tried;  // before the last; empty names: the engine of the last
    std::string last;
    bool fell_back = false;
    std::uint64_t retries = 0;
  };
  const TriesCase cases[] = {
      {"at once", {}, "a"},
      {"tried again", {"", ""}, "a", false, 2},
      {"the next one answered", {"a"}, "b", true, 0},
      {"both were tried again", {"a", "a", ""}, "b", true, 2},
      {"the third one answered", {"a", "b"}, "c", true, 0},
      {"all of them failed", {"a", "b"}, "c", false, 0},
      {"the first one is out of service", {}, "b", true, 0},
      {"what the second one said did not do", {"a", "b", "a"}, "b", true, 1},
      {"an engine without a name", {""}, "", false, 1},
  };
  for (const auto& [what, tried, last, fell_back, retries] : cases) {
    model::ReplyInfo info{.engine = last};
    info.attempts.reserve(tried.size());
    for (const std::string& engine : tried) info.attempts.push_back({.engine = engine});
    if (fell_back) info.degradations.push_back({"engine", "another one answered"});
    NodeStats stats;
    stats.AddTries(info);
    EXPECT_EQ(stats.retries, retries) << what;
    EXPECT_EQ(stats.fallbacks, fell_back ? 1U : 0U) << what;
  }
}

TEST(RunStatsTest, FallbacksAreAFigureOfTheirOwn) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  stats.nodes[1].retries = 1;
  stats.nodes[1].fallbacks = 3;
  RunStats after(graph);
  const json::Value json = json::Read(stats.Json(TimePoint())).value();
  after.Restore(json);

  EXPECT_EQ(json.Find("nodes").Find("ask").Find("fallbacks").AsUint64(), 3U);
  EXPECT_EQ(after.Sum().fallbacks, 3U);
  EXPECT_EQ(after.Sum().retries, 1U);
}

TEST(RunStatsTest, ConfidenceHasATenthPercentileThatSurvives) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  NodeStats& ask = stats.nodes[1];
  for (int i = 1; i <= 100; ++i) ask.AddSure(i / 100.0);
  RunStats after(graph);
  after.Restore(json::Read(stats.Json(TimePoint())).value());
  for (int i = 0; i < 900; ++i) after.nodes[1].AddSure(0.05);
  EXPECT_EQ(ask.sure.Quantile(0.1), 0.1);
  EXPECT_EQ(after.Sum().sure.count(), 1000U);
  EXPECT_EQ(after.Sum().sure.Quantile(0.1), 0.05);
  const json::Value json = json::Read(stats.Json(TimePoint())).value();
  const json::View confidence = json.Find("nodes").Find("ask").Find("confidence");
  EXPECT_EQ(confidence.Find("p10").AsDouble(), 0.1);
  EXPECT_EQ(confidence.Find("least").AsDouble(), 0.01);
  EXPECT_NEAR(confidence.Find("mean").AsDouble().value_or(0), 0.505, 1e-9);
}

TEST(RunStatsTest, OfRowsThatAreNotWrittenTheLedgerHasNoFigures) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  const Contribution written{.node = 1, .agents = {.ended = 1, .turns = 3}, .confidences = {0.5}};
  const Contribution on_its_way{
      .node = 1, .agents = {.ended = 2, .turns = 8}, .confidences = {0.1, 0.2}};
  for (const Contribution& given : {written, on_its_way}) stats.Give(given);
  stats.Keep(written);
  EXPECT_EQ(stats.nodes[1].agents.turns, 11U);
  EXPECT_EQ(stats.nodes[1].sure_count, 3U);

  RunStats after(graph);
  after.Restore(json::Read(stats.KeptJson(TimePoint())).value());
  after.Give(on_its_way);
  EXPECT_EQ(after.nodes[1].agents, stats.nodes[1].agents);
  EXPECT_EQ(after.nodes[1].sure_least, 0.1);
  EXPECT_EQ(after.nodes[1].sure.count(), 3U);
}

TEST(RunStatsTest, TheHitRateIsThatOfServersThatTellIt) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  const auto json = [&] { return json::Read(stats.Json(TimePoint())).value(); };
  stats.Give({.node = 1, .prompt_tokens = 100});
  EXPECT_FALSE(json().Find("cache_hit_rate").exists());
  stats.Give({.node = 1, .prompt_tokens = 40, .cached_tokens = 10, .cached_of = 40});
  EXPECT_EQ(json().Find("cache_hit_rate").AsDouble(), 0.25);
  EXPECT_EQ(json().Find("nodes").Find("ask").Find("cache_hit_rate").AsDouble(), 0.25);
}

TEST(RunStatsTest, ACostOfWhichNothingIsKnownIsNull) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  stats.Give({.node = 1, .ok = 1, .cost_unknown = true});
  const json::Value json = json::Read(stats.Json(TimePoint())).value();
  const json::View ask = json.Find("nodes").Find("ask");
  EXPECT_TRUE(ask.Find("cost").IsNull());
  EXPECT_TRUE(ask.Find("cost").exists());

  RunStats after(graph);
  after.Restore(json);
  EXPECT_TRUE(after.nodes[1].cost_unknown);
  EXPECT_EQ(after.nodes[1].cost, 0);
}

TEST(RunStatsTest, CostsOfAnotherCurrencyThanBeforeHaveNone) {
  const Graph graph = TwoNodes();
  RunStats before(graph);
  before.currency = "EUR";
  const json::Value json = json::Read(before.Json(TimePoint())).value();
  EXPECT_EQ(json.Find("currency").StringOr(""), "EUR");
  RunStats same(graph);
  same.currency = "EUR";
  same.Restore(json);
  EXPECT_EQ(same.currency, "EUR");
  RunStats other(graph);
  other.currency = "USD";
  other.Restore(json);
  EXPECT_EQ(other.currency, "");
}

TEST(RunStatsTest, OnlyNodesThatAskHaveTokens) {
  const Graph graph = TwoNodes();
  const json::Value json = json::Read(RunStats(graph).Json(TimePoint())).value();

  EXPECT_FALSE(json.Find("nodes").Find("keep").Find("cost").exists());
  EXPECT_TRUE(json.Find("nodes").Find("ask").Find("cost").exists());
  EXPECT_FALSE(json.Find("nodes").Find("ask").Find("confidence").exists());
  EXPECT_FALSE(json.Find("nodes").Find("ask").Find("p50_ms").exists());
  EXPECT_FALSE(json.Find("rows").Find("total").exists());
}

TEST(RunStatsTest, WhatIsNoTotalsRestoresNothing) {
  const Graph graph = TwoNodes();
  for (const char* text :
       {"null", "[]", "{}", R"({"seconds":-1,"rows":3,"nodes":[1]})",
        R"({"seconds":"x","rows":{"done":-1},"nodes":{"ask":{"latencies_ms":[1,[],["a",-2]]}}})"}) {
    RunStats stats(graph);
    stats.Restore(json::Read(text).value());
    EXPECT_EQ(stats.Json(TimePoint()), RunStats(graph).Json(TimePoint())) << text;
  }
}

RC_GTEST_PROP(RunStatsProperty, RestoredTotalsAreTheTotals, ()) {
  const Graph graph = TwoNodes();
  RunStats stats(graph);
  for (NodeStats& node : stats.nodes) {
    node.ok = *rc::gen::inRange(0, 1000);
    node.failed = *rc::gen::inRange(0, 1000);
    node.dropped = *rc::gen::inRange(0, 1000);
    node.reused = node.ok + node.failed;
    for (const int time : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100'000))) {
      node.latencies.Add(std::chrono::milliseconds(time));
    }
  }
  NodeStats& ask = stats.nodes[1];
  ask.prompt_tokens = *rc::gen::inRange(0, 1'000'000);
  ask.cost = *rc::gen::inRange(0, 1000) / 7.0;
  ask.cost_unknown = *rc::gen::arbitrary<bool>();
  ask.tokens_unknown = *rc::gen::arbitrary<bool>();
  ask.sure_count = *rc::gen::inRange(0, 3);
  if (ask.sure_count > 0) ask.sure_least = ask.sure_sum = *rc::gen::inRange(1, 10) / 10.0;
  stats.rows_done = stats.rows_before = *rc::gen::inRange(0, 1000);

  RunStats after(graph);
  after.Restore(json::Read(stats.Json(TimePoint())).value());

  RC_ASSERT(after.Json(TimePoint()) == stats.Json(TimePoint()));
}

}  // namespace
}  // namespace weir::flow
