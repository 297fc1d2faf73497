#include "weir/events/otlp.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::events {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(EncodeOtlp, TracesAreTheSpecificationsJson) {
  const OtlpSpan spans[] = {
      {.trace = 5,
       .id = 0xabc,
       .parent = 5,
       .name = "chat m",
       .client = true,
       .start_nanos = 1'700'000'000'000'000'000,
       .end_nanos = 1'700'000'001'000'000'000,
       .attributes = {{"gen_ai.request.model", "m"},
                      {"gen_ai.usage.input_tokens", std::int64_t{12}},
                      {"ratio", 0.5},
                      {"gen_ai.response.finish_reasons", std::vector<std::string>{"stop"}}}},
      {.trace = 5, .id = 5, .name = "engine.http", .error = "busy"}};

  EXPECT_EQ(EncodeOtlpTraces({.version = "1", .run = 1}, spans),
            R"({"resourceSpans":[{"resource":{"attributes":[)"
            R"({"key":"service.name","value":{"stringValue":"weir"}},)"
            R"({"key":"service.version","value":{"stringValue":"1"}}]},)"
            R"("scopeSpans":[{"scope":{"name":"weir"},"spans":[)"
            R"({"traceId":"00000000000000010000000000000005","spanId":"0000000000000abc",)"
            R"("parentSpanId":"0000000000000005","name":"chat m","kind":3,)"
            R"("startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000001000000000",)"
            R"("attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"m"}},)"
            R"({"key":"gen_ai.usage.input_tokens","value":{"intValue":"12"}},)"
            R"({"key":"ratio","value":{"doubleValue":0.5}},)"
            R"({"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":)"
            R"([{"stringValue":"stop"}]}}}],"status":{}},)"
            R"({"traceId":"00000000000000010000000000000005","spanId":"0000000000000005",)"
            R"("name":"engine.http","kind":1,"startTimeUnixNano":"0","endTimeUnixNano":"0",)"
            R"("attributes":[],"status":{"code":2,"message":"busy"}}]}]}]})");
}

TEST(EncodeOtlp, MetricsAreTheSpecificationsJson) {
  const double bounds[] = {0.5, 1};
  const OtlpHistogram histograms[] = {
      {.name = "d", .unit = "s", .bounds = bounds, .series = {{{{"a", "b"}}, {1, 0, 2}, 7.5}}}};

  EXPECT_EQ(EncodeOtlpMetrics({}, histograms, 1, 2),
            R"({"resourceMetrics":[{"resource":{"attributes":[)"
            R"({"key":"service.name","value":{"stringValue":"weir"}}]},)"
            R"("scopeMetrics":[{"scope":{"name":"weir"},"metrics":[{"name":"d","unit":"s",)"
            R"("histogram":{"aggregationTemporality":2,"dataPoints":[{"attributes":)"
            R"([{"key":"a","value":{"stringValue":"b"}}],"startTimeUnixNano":"1",)"
            R"("timeUnixNano":"2","count":"3","sum":7.5,"bucketCounts":["1","0","2"],)"
            R"("explicitBounds":[0.5,1]}]}}]}]}]})");
}

class FrozenClock final : public Clock {
 public:
  TimePoint Now() const override { return TimePoint(std::chrono::seconds(100)); }
  std::int64_t WallNanos() const override { return 1'700'000'000'000'000'000; }
};

class OtlpSinkTest : public testing::Test {
 protected:
  void Export(OtlpSink& sink) {
    sink.Export([this](std::string_view path, const std::string& body) {
      if (!reachable_) return false;
      posts_.emplace_back(path, *json::Read(body));
      return true;
    });
  }
  json::View Spans(std::size_t post) const {
    return posts_[post].second.Find("resourceSpans")[0].Find("scopeSpans")[0].Find("spans");
  }

  static void Finish(OtlpSink& sink, SpanRecord span) {
    sink.OnSpanStart(span);
    sink.OnSpanEnd(span);
  }

  const FrozenClock clock_;
  bool reachable_ = true;
  std::vector<std::pair<std::string, json::Value>> posts_;
};

TEST_F(OtlpSinkTest, SpansOfOneTreeHaveOneTraceAndWallTime) {
  OtlpSink sink(clock_, {});
  const SpanRecord root{.name = "call",
                        .id = 1,
                        .start = clock_.Now() - std::chrono::seconds(2),
                        .end = clock_.Now()};
  SpanRecord child = root;
  child.id = 2;
  child.parent = 1;
  child.detail = "GET http://user:swordfish@host/";
  sink.OnSpanStart(root);
  Finish(sink, child);
  sink.OnSpanEnd(root);
  Finish(sink, {.name = "other", .id = 3});
  Export(sink);

  ASSERT_EQ(posts_.size(), 1U);
  EXPECT_EQ(posts_[0].first, "/v1/traces");
  const json::View spans = Spans(0);
  ASSERT_EQ(spans.size(), 3U);
  EXPECT_EQ(spans[0].Find("traceId"), spans[1].Find("traceId"));
  EXPECT_NE(spans[0].Find("traceId"), spans[2].Find("traceId"));
  EXPECT_EQ(spans[1].Find("startTimeUnixNano").StringOr(""), "1699999998000000000");
  EXPECT_THAT(json::Write(posts_[0].second), Not(HasSubstr("swordfish")));
}

TEST_F(OtlpSinkTest, AResponseIsAClientSpanAndTwoHistograms) {
  OtlpSink sink(clock_, {});
  const TraceField fields[] = {{"engine", "fast"},
                               {"provider", "vllm"},
                               {"model", "m"},
                               {"api", "chat"},
                               {"status", "ok"},
                               {"prompt_tokens", std::int64_t{12}},
                               {"completion_tokens", std::int64_t{3}},
                               {"duration_ms", 500.0},
                               {"finish_reason", "stop"}};
  sink.OnEvent("llm:request", fields);
  sink.OnEvent("llm:response", fields);
  Export(sink);
  Export(sink);

  ASSERT_EQ(posts_.size(), 2U);  // the second time there was no news
  const json::View span = Spans(0)[0];
  EXPECT_EQ(span.Find("name").StringOr(""), "chat m");
  EXPECT_EQ(span.Find("startTimeUnixNano").StringOr(""), "1699999999500000000");
  const std::string told = json::Write(span.Find("attributes"));
  for (const char* part : {R"("gen_ai.operation.name","value":{"stringValue":"chat"})",
                           R"("gen_ai.provider.name","value":{"stringValue":"vllm"})",
                           R"("gen_ai.usage.input_tokens","value":{"intValue":"12"})",
                           R"("gen_ai.usage.output_tokens","value":{"intValue":"3"})"})
    EXPECT_THAT(told, HasSubstr(part));
  const std::string metrics = json::Write(posts_[1].second);
  EXPECT_EQ(posts_[1].first, "/v1/metrics");
  EXPECT_THAT(metrics, HasSubstr(R"("name":"gen_ai.client.operation.duration","unit":"s")"));
  EXPECT_THAT(metrics, HasSubstr(R"("count":"1","sum":0.5)"));
  EXPECT_THAT(metrics, HasSubstr(R"("gen_ai.token.type","value":{"stringValue":"output"})"));
}

TEST_F(OtlpSinkTest, AResponseIsASpanOfItsOwnBelowTheOnlyWorkThatGoesOn) {
  OtlpSink sink(clock_, {});
  const SpanRecord first{.name = "call", .id = 1};
  const SpanRecord second{.name = "call", .id = 2};
  sink.OnSpanStart(first);
  sink.OnEvent("llm:response", {});
  sink.OnSpanStart(second);
  sink.OnEvent("llm:response", {});
  sink.OnSpanEnd(first);
  sink.OnSpanEnd(second);
  Export(sink);

  const json::View spans = Spans(0);
  ASSERT_EQ(spans.size(), 4U);
  const auto text = [&](std::size_t span, std::string_view key) {
    return spans[span].Find(key).StringOr("");
  };
  EXPECT_EQ(text(0, "traceId"), text(2, "traceId"));
  EXPECT_EQ(text(0, "parentSpanId"), text(2, "spanId"));
  EXPECT_EQ(text(1, "parentSpanId"), "");
  std::set<std::string_view> ids;
  std::set<std::string_view> traces;
  for (std::size_t i = 0; i < 4; ++i) {
    ids.insert(text(i, "spanId"));
    traces.insert(text(i, "traceId"));
  }
  EXPECT_EQ(ids.size(), 4U);
  EXPECT_EQ(traces.size(), 3U);  // the second response could be of either
}

TEST_F(OtlpSinkTest, TheQueueIsBoundedAndWhatIsLostIsCounted) {
  OtlpSink sink(clock_, {.max_queue = 4, .max_batch = 3});
  for (std::uint64_t id = 1; id <= 6; ++id) Finish(sink, {.name = "s", .id = id});
  EXPECT_EQ(sink.dropped(), 2U);

  reachable_ = false;
  Export(sink);
  EXPECT_EQ(sink.dropped(), 5U);
  reachable_ = true;
  Export(sink);
  ASSERT_EQ(posts_.size(), 1U);
  EXPECT_EQ(Spans(0).size(), 1U);
}

}  // namespace
}  // namespace weir::events
