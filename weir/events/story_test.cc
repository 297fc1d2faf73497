#include "weir/events/story.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::events {
namespace {

using testing::HasSubstr;

TEST(Tell, EachEventIsASentence) {
  const struct {
    std::string_view event;
    std::string_view told;
  } cases[] = {
      {R"({"event":"llm:request","engine":"fast","model":"m","stream":true,"message_count":1})",
       "llm:request     fast is asked for m, 1 message, streamed"},
      {R"({"event":"llm:request","engine":"fast","model":"m","prompt_length":20})",
       "llm:request     fast is asked for m, a prompt of 20"},
      {R"({"event":"llm:response","engine":"fast","status":"ok","duration_ms":1823.071,)"
       R"("ttft_ms":83.25,"prompt_tokens":10,"completion_tokens":5,"finish_reason":"stop"})",
       "llm:response    fast answered in 1.82 s (first token after 83.3 ms), 10 + 5 tokens, stop"},
      {R"({"event":"llm:response","status":"error","duration_ms":3,"error":"http_503","message":"no"})",
       "llm:response    the engine failed after 3 ms: http_503: no"},
      {R"({"event":"provider:retry","retry":1,"max_retries":3,"delay_ms":500,"error":"timeout"})",
       "provider:retry  again in 500 ms (1 of 3) after timeout"},
      {R"({"event":"engine:fallback","from":"a","to":"b","error":"timeout","message":"late"})",
       "engine:fallback  b instead of a after timeout: late"},
      {R"({"event":"llm:stream_aborted","engine":"a","pieces":2,"duration_ms":9,"error":"cancelled"})",
       "llm:stream_aborted  a stopped after 2 pieces and 9 ms: cancelled"},
      {R"({"event":"span.end","span":"http.connect","id":1,"duration_ms":2,"error":"timeout"})",
       "span.end        http.connect took 2 ms, timeout"},
      {R"({"ts":"x","seq":1,"event":"other","a":[1, 2],"b":"c\nd\u001b[31m"})",
       "other           a=[1,2] b=c\\nd?[31m"},
      {R"({"event":"config.refresh"})", "config.refresh"},
      {"{}", ""},
      {"[]", ""},
  };
  for (const auto& [event, told] : cases) EXPECT_EQ(Tell(*json::Read(event)), told);
}

TEST(TimeOf, ReadsWhatTheSinkWrites) {
  for (const std::int64_t millis : {0L, 1'700'000'000'123L, 1'709'251'199'999L}) {
    const std::string event = StrCat("{\"ts\":\"", FormatWallTime(millis * 1'000'000), "\"}");
    EXPECT_EQ(TimeOf(*json::Read(event)), millis);
  }
  for (const char* ts :
       {"", "2026-01-31", "2026-13-31T23:59:59.123Z", "20x6-01-31T23:59:59.123Z"}) {
    EXPECT_FALSE(TimeOf(*json::Read(StrCat("{\"ts\":\"", ts, "\"}"))).has_value()) << ts;
  }
}

class StatisticsTest : public testing::Test {
 protected:
  StatisticsTest() {
    for (int i = 1; i <= 100; ++i) {
      Add(StrCat(R"({"event":"llm:response","engine":"fast","status":"ok","duration_ms":)", i,
                 R"(,"ttft_ms":)", i * 0.5, R"(,"prompt_tokens":10,"completion_tokens":2})"));
    }
    Add(R"({"event":"llm:response","engine":"slow","status":"error","error":"timeout"})");
    Add(R"({"event":"provider:retry"})");
    Add(R"({"no":"event"})");
    statistics_.AddInvalid();
  }
  void Add(std::string_view event) { statistics_.Add(*json::Read(event)); }

  Statistics statistics_;
};

TEST_F(StatisticsTest, JsonHoldsCountsAndPercentiles) {
  std::string text;
  json::Writer out(text);
  statistics_.Write(out);
  EXPECT_EQ(text, R"({"lines":102,"invalid":2,"events":{"llm:response":101,"provider:retry":1},)"
                  R"("engines":{"fast":{"ok":100,"error":0,"duration_ms":{"p50":50,"p95":95},)"
                  R"("ttft_ms":{"p50":25,"p95":47.5},"input_tokens":1000,"output_tokens":200},)"
                  R"("slow":{"ok":0,"error":1,"input_tokens":0,"output_tokens":0}},)"
                  R"("errors":{"timeout":1},"retries":1,"fallbacks":0})");
}

TEST_F(StatisticsTest, TextIsTablesForPeople) {
  const std::string text = statistics_.Text();
  EXPECT_THAT(text, HasSubstr("event           count\nllm:response      101\n"));
  EXPECT_THAT(text, HasSubstr("fast    100      0     50 ms  95 ms"));
  EXPECT_THAT(text, HasSubstr("slow      0      1         -      -"));
  EXPECT_THAT(text, HasSubstr("102 events, 1 retries, 0 fallbacks, 2 lines that are no events\n"));
}

}  // namespace
}  // namespace weir::events
