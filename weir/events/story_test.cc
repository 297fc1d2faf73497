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
      {R"({"event":"node.end","row":7,"node":"kind","ok":true,"prompt_tokens":62,)"
       R"("completion_tokens":5})",
       "node.end        row 7 is through kind, 62 + 5 tokens"},
      {R"({"event":"node.end","row":"a","node":"kind","ok":false,"error":"timeout"})",
       "node.end        row a fails at kind: timeout"},
      {R"({"event":"run.end","rows":3,"ok":2,"failed":1,"error":""})",
       "run.end         3 rows, 2 ok, 1 failed"},
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

TEST(Tell, AgentsAreTold) {
  const struct {
    std::string_view event;
    std::string_view told;
  } cases[] = {
      {R"({"event":"agent.start","agent":"fix/3","engine":"fast","tools":2,"max_turns":20,"turn":0})",
       "agent.start     fix/3: begins on fast with 2 tools, at most 20 turns"},
      {R"({"event":"agent.start","agent":"fix/3","engine":"fast","tools":1,"max_turns":0,"turn":4})",
       "agent.start     fix/3: goes on from turn 4 on fast with 1 tool"},
      {R"({"event":"agent.turn","agent":"fix/3","turn":2,"phase":"loop","temperature":0.1,)"
       R"("finish_reason":"tool_calls","prompt_tokens":100,"completion_tokens":20,)"
       R"("confidence":0.87,"tool_calls":1,"duration_ms":1200})",
       "agent.turn      fix/3: turn 2 (loop) took 1.2 s, 100 + 20 tokens, tool_calls, 1 tool call, "
       "confidence 0.87"},
      {R"({"event":"tool_call","agent":"fix/3","turn":2,"tool_name":"write_file","call_id":"c",)"
       R"("tool_confidence":0.5,"mutates":true})",
       "tool_call       fix/3: calls write_file, which may change files, confidence 0.5"},
      {R"({"event":"tool_result","agent":"fix/3","turn":2,"tool_name":"lint","status":"ok",)"
       R"("duration_ms":12,"tool_output_chars":340})",
       "tool_result     fix/3: lint answered in 12 ms, 340 characters"},
      {R"({"event":"tool_result","tool_name":"lint","status":"error","error":"timeout",)"
       R"("message":"too slow","duration_ms":5000})",
       "tool_result     lint failed after 5 s: timeout: too slow"},
      {R"({"event":"tool_result","tool_name":"rm","status":"denied","message":"not asked for"})",
       "tool_result     rm was denied: not asked for"},
      {R"({"event":"tool_result","tool_name":"rm","status":"interrupted"})",
       "tool_result     rm was interrupted"},
      {R"({"event":"submit_result","agent":"fix/3","status":"success","turn":3})",
       "submit_result   fix/3: submits at turn 3: success"},
      {R"({"event":"agent.retry_low_confidence","agent":"fix/3","turn":2,"tool_name":"lint",)"
       R"("confidence":0.4,"threshold":0.6,"attempt":1,"max_retries":2})",
       "agent.retry_low_confidence  fix/3: asks again (1 of 2), as the confidence 0.4 in lint is "
       "below 0.6"},
      {R"({"event":"context.compacted","agent":"fix/3","turn":5,"messages_before":12,)"
       R"("messages_after":4,"tokens_before":9000})",
       "context.compacted  fix/3: 12 messages became 4, as they had 9000 tokens"},
      {R"({"event":"agent_error","agent":"fix/3","error_code":"AGENT_001","error":"limit",)"
       R"("message":"no submission","turn":20})",
       "agent_error     fix/3: fails at turn 20 with AGENT_001: limit: no submission"},
      {R"({"event":"agent_error","agent":"fix/3","error_code":"","error":"timeout","turn":1})",
       "agent_error     fix/3: fails at turn 1: timeout"},
      {R"({"event":"agent.end","agent":"fix/3","status":"ok","turns":4,"tool_calls":3,)"
       R"("prompt_tokens":400,"completion_tokens":80,"duration_ms":8200})",
       "agent.end       fix/3: is done after 4 turns and 8.2 s, 3 tool calls, 400 + 80 tokens"},
      {R"({"event":"agent.end","agent":"fix/3","status":"error","turns":1,"tool_calls":0})",
       "agent.end       fix/3: has failed after 1 turn and some time, 0 tool calls"},
      {R"({"event":"review.accept","run":"runs/a","row":3,"files":2})",
       "review.accept   row 3 is accepted, 2 files"},
      {R"({"event":"review.reject","run":"runs/a","row":"3","files":["a.py"]})",
       "review.reject   row 3 is rejected, 1 file"},
      {R"({"event":"review.retry","run":"runs/a","row":3,"files":"a.py"})",
       "review.retry    row 3 is to be done again, a.py"},
      {R"({"event":"llm:request","agent":"fix/3","engine":"fast"})",
       "llm:request     fix/3: fast is asked"},
      {R"({"event":"agent.new","agent":"fix/3"})", "agent.new       fix/3"},
  };
  for (const auto& [event, told] : cases) EXPECT_EQ(Tell(*json::Read(event)), told);
}

TEST(Tell, BriefWordsHaveNoNames) {
  const auto event = json::Read(R"({"event":"llm:request","agent":"fix/3","engine":"fast"})");
  EXPECT_EQ(TellBriefly(*event), "fast is asked");
  EXPECT_EQ(TellBriefly(*json::Read(R"({"event":"agent.new","agent":"fix/3"})")), "agent.new");
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
