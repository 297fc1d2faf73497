#include "weir/flow/report.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/utf8.h"
#include "weir/flow/html.h"
#include "weir/json/reader.h"

namespace weir::flow {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

Node Ask(std::string id) {
  return {.id = std::move(id), .what = Step{.engine = "gpu0", .user = {"hi", {}}}};
}

Graph ReviewGraph() {
  Flow flow{.name = "reviews <&> \"more\"", .description = "Sorts what customers wrote."};
  flow.nodes.push_back({.id = "keep", .what = Apply{.where = {"true", {}}}});
  flow.nodes.push_back(Ask("kind"));
  Parallel tone;
  tone.branches.push_back({.name = "formal", .join = "formal"});
  tone.branches[0].nodes.push_back(Ask("polish"));
  tone.branches[0].nodes.push_back(Ask("check"));
  tone.branches.push_back({.name = "casual", .join = "casual"});
  tone.branches[1].nodes.push_back(Ask("relax"));
  flow.nodes.push_back({.id = "tone", .what = std::move(tone)});
  Switch route{.on = {"kind", {}}};
  route.cases.push_back({.equals = json::Value::Of(std::string_view("</svg><script>"))});
  route.cases[0].nodes.push_back(Ask("answer"));
  route.cases.push_back({.equals = json::Value::Of(3)});
  route.cases[1].nodes.push_back(Ask("apologise"));
  route.otherwise.emplace().push_back(Ask("forward"));
  flow.nodes.push_back({.id = "route", .what = std::move(route)});
  return Graph::Compile(std::move(flow)).value();
}

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    RunStats stats(graph_);
    stats.sessions = 1;
    stats.rows_done = 2000;
    stats.rows_ok = 1990;
    stats.rows_failed = 10;
    for (const GraphNode* node : graph_.all()) {
      NodeStats& figures = stats.nodes[node->index];
      figures.ok = 1990;
      if (node->step() == nullptr) continue;
      figures.failed = node->index;
      figures.prompt_tokens = 400'000;
      figures.cached_tokens = 250'000;
      figures.completion_tokens = 60'000 * static_cast<std::int64_t>(node->index);
      figures.retries = 4;
      // Two humps.
      for (int i = 0; i < 1500; ++i) figures.latencies.Add(std::chrono::milliseconds(300 + i / 8));
      for (int i = 0; i < 490; ++i) figures.latencies.Add(std::chrono::milliseconds(900 + i * 5));
    }
    stats.nodes[1].cost = 1.25;
    for (const double sure : {0.8, 0.95}) stats.nodes[1].AddSure(sure);
    totals_ = json::Read(stats.Json(TimePoint() + 75s)).value();
    for (int i = 0; i <= 300; ++i) {
      const auto count = static_cast<std::uint64_t>(i);
      input_.timeline.push_back({.seconds = i / 4.0,
                                 .rows_done = count * 2000 / 300,
                                 .rows_failed = count / 30,
                                 .completion_tokens = i * 2000 + (i % 50) * 30});
    }
    input_.totals = totals_;
    input_.run = run_;
    input_.errors = {{"timeout", 7}, {"schema_mismatch", 3}, {"<b>", 1}};
    input_.engines["gpu0"] = {.managed = true, .note = "http://127.0.0.1:8000, pid 412"};
    input_.cache_hit_rate = 0.625;
  }

  const Graph graph_ = ReviewGraph();
  const json::Value run_ = json::Read(R"({"weir":"0.1.0","flow":{"file":"flow.yaml","seed":7},
                     "vars":{"note":"<script>alert(1)</script>","api_key":"k-secret"},
                     "totals":{"nodes":{}}})")
                               .value();
  json::Value totals_;
  ReportInput input_;
};

TEST_F(ReportTest, EverythingThatIsKnownStandsInIt) {
  const std::string html = HtmlReport(graph_, input_);

  for (const char* text :
       {"2,000", "1,990", "Latencies of kind", "schema_mismatch", "62 %", "flow.seed",
        "started and stopped by weir", "1 min 15 s", ">p95</th>", ">sure p10</th>"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
  EXPECT_THAT(html, Not(HasSubstr("k-secret")));
}

TEST_F(ReportTest, RatesOfAResumedRunAreThoseOfThisSessionAndSaySo) {
  EXPECT_THAT(HtmlReport(graph_, input_), Not(HasSubstr("this session")));
  RunStats stats(graph_);
  stats.rows_done = 2000;
  stats.sessions = 2;
  stats.earlier = 1h;
  stats.session = {.rows = 300, .calls = 300, .prompt_tokens = 1, .completion_tokens = 1500};
  const json::Value totals = json::Read(stats.Json(TimePoint() + 10s)).value();
  input_.totals = totals;

  const std::string html = HtmlReport(graph_, input_);

  for (const char* text :
       {"<dt>rows</dt><dd>2,000<", "<dt>time</dt><dd>1 h<", "<dt>sessions</dt><dd>2<",
        "<dt>rows, this session</dt><dd>300<", "<dt>time, this session</dt><dd>10 s<",
        "<dt>rows/s, this session</dt><dd>30<", "<dt>tokens out/s, this session</dt><dd>150<",
        "Over time, this session"}) {
    EXPECT_THAT(html, HasSubstr(text));
  }
}

TEST_F(ReportTest, WhatOthersWroteIsEscaped) {
  const std::string html = HtmlReport(graph_, input_);

  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<b>")));
  EXPECT_THAT(html, HasSubstr("<h1>reviews &lt;&amp;&gt; &quot;more&quot;</h1>"));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST_F(ReportTest, NothingIsFetched) {
  const std::string html = HtmlReport(graph_, input_);

  for (const char* text : {"src=", "href=", "url(", "@import", "<link", "<script", "<iframe"}) {
    EXPECT_THAT(html, Not(HasSubstr(text)));
  }
}

TEST_F(ReportTest, TheSameRunGivesTheSameBytes) {
  EXPECT_EQ(HtmlReport(graph_, input_), HtmlReport(ReviewGraph(), input_));
}

TEST_F(ReportTest, ARunOfNothingHasAReportToo) {
  const std::string html = HtmlReport(graph_, {});

  EXPECT_THAT(html, HasSubstr("<h2>Nodes</h2>"));
  EXPECT_THAT(html, Not(HasSubstr("<h2>Errors</h2>")));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("inf")));
}

TEST_F(ReportTest, UnknownCostsAreNotNothing) {
  RunStats stats(graph_);
  stats.nodes[1].cost_unknown = true;
  const json::Value totals = json::Read(stats.Json(TimePoint())).value();
  input_.totals = totals;
  EXPECT_THAT(HtmlReport(graph_, input_), HasSubstr("<dt>cost</dt><dd>unknown</dd>"));
}

TEST(EscapedTest, NothingThatHasAMeaningIsLeft) {
  EXPECT_EQ(Escaped("<a href=\"x\">'&'</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(Escaped("é日\t\n"), "é日\t\n");
  EXPECT_EQ(Escaped(std::string_view("\0\033\x7F\xC3", 4)), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

RC_GTEST_PROP(EscapedProperty, AnyBytesAreTextOnly, ()) {
  const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const std::string text = Escaped(bytes);
  RC_ASSERT(IsUtf8(text));
  RC_ASSERT(text.find_first_of("<>\"'") == text.npos);
}

TEST(TimelineTest, ItIsBoundedAndKeepsBothEnds) {
  Timeline timeline(10);
  for (int i = 0; i < 1000; ++i) {
    timeline.Add({.seconds = i * 0.25, .rows_done = static_cast<std::uint64_t>(i)});
    ASSERT_LE(timeline.points().size(), 11U);
    ASSERT_EQ(timeline.points().back().rows_done, static_cast<std::uint64_t>(i));
    ASSERT_EQ(timeline.points().front().rows_done, 0U);
  }
  EXPECT_GE(timeline.points().size(), 5U);
  for (std::size_t i = 1; i < timeline.points().size(); ++i) {
    EXPECT_LT(timeline.points()[i - 1].seconds, timeline.points()[i].seconds);
  }
}

}  // namespace
}  // namespace weir::flow
