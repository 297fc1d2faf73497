#include "weir/events/activity.h"

#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::events {
namespace {

using namespace std::chrono_literals;
using testing::SizeIs;

constexpr Moment kBegin = 1'700'000'000s;

class ActivityTest : public testing::Test {
 protected:
  // `fields` without braces.
  void Add(Moment since, std::string_view name, std::string_view fields = {}) {
    const auto nanos = std::chrono::nanoseconds(kBegin + since).count();
    const auto event = json::Read(StrCat(R"({"ts":")", FormatWallTime(nanos), R"(","event":")",
                                         name, R"(")", fields.empty() ? "" : ",", fields, "}"));
    ASSERT_TRUE(event.has_value()) << fields;
    activity_->Add(*event);
  }
  void Request(Moment since, std::string_view id, std::string_view more = {}) {
    Add(since, "llm:request",
        StrCat(R"("engine":"fast","request_id":")", id, R"(")", more.empty() ? "" : ",", more));
  }
  void Response(Moment since, std::string_view id, std::string_view more = {}) {
    Add(since, "llm:response",
        StrCat(R"("engine":"fast","status":"ok","duration_ms":100,"prompt_tokens":10,)",
               R"("completion_tokens":5,"request_id":")", id, R"(")", more.empty() ? "" : ",",
               more));
  }
  ActivityState At(Moment since) const { return activity_->At(kBegin + since); }
  AgentState StateOf(std::string_view agent, Moment since) const {
    for (const AgentActivity& shown : At(since).agents) {
      if (shown.id == agent) return shown.state;
    }
    ADD_FAILURE() << "no agent " << agent;
    return AgentState::kDone;
  }

  std::optional<Activity> activity_{std::in_place};
};

TEST_F(ActivityTest, RequestsAreInFlightUntilTheirResponse) {
  Request(0s, "a");
  Request(1s, "b");
  EXPECT_EQ(At(1s).in_flight, 2);
  EXPECT_EQ(At(1s).engines.at(0).in_flight, 2);

  Response(2s, "a");

  const ActivityState state = At(2s);
  EXPECT_EQ(state.in_flight, 1);
  EXPECT_EQ(state.requests, 1);
  EXPECT_EQ(state.prompt_tokens, 10);
  EXPECT_EQ(state.engines.at(0).p50_millis, 100);
}

TEST_F(ActivityTest, WhateverEndsARequestTakesItOutOfFlight) {
  const struct {
    std::string_view event;
    std::string_view fields;
  } ends[] = {
      {"llm:response", R"("request_id":"a","status":"error","error":"timeout")"},
      {"llm:stream_aborted", R"("request_id":"a","error":"cancelled")"},
      {"agent_error", R"("agent":"fix/1","error":"limit")"},
      {"agent.end", R"("agent":"fix/1","status":"ok")"},
      {"agent.start", R"("agent":"fix/1")"},
  };
  for (const auto& [event, fields] : ends) {
    SCOPED_TRACE(event);
    activity_.emplace();
    Request(0s, "a", R"("agent":"fix/1")");
    ASSERT_EQ(At(0s).in_flight, 1);

    Add(1s, event, fields);

    EXPECT_EQ(At(1s).in_flight, 0);
  }
}

TEST_F(ActivityTest, ABrokenStreamIsOneErrorThoughTwoEventsTellOfIt) {
  Request(0s, "a");
  Add(1s, "llm:stream_aborted", R"("engine":"fast","request_id":"a","error":"timeout")");
  Add(1s, "llm:response", R"("engine":"fast","request_id":"a","status":"error","error":"timeout")");

  EXPECT_EQ(At(1s).errors, 1);
  EXPECT_EQ(At(1s).requests, 1);
  EXPECT_EQ(At(1s).in_flight, 0);
}

TEST_F(ActivityTest, WhatIsSilentForLongGoesStaleAndComesBack) {
  Add(0s, "agent.start", R"("agent":"fix/1")");
  Request(1s, "a", R"("agent":"fix/1")");
  EXPECT_EQ(StateOf("fix/1", 61s), AgentState::kBusy);

  const ActivityState silent = At(62s);
  EXPECT_EQ(silent.in_flight, 0);
  EXPECT_EQ(silent.stale, 1);
  EXPECT_EQ(silent.engines.at(0).stale, 1);
  EXPECT_EQ(silent.agents_busy, 0);
  EXPECT_EQ(silent.agents_stale, 1);
  EXPECT_EQ(silent.agents.at(0).state, AgentState::kStale);

  Response(70s, "a", R"("agent":"fix/1")");
  EXPECT_EQ(At(70s).stale, 0);
  EXPECT_EQ(StateOf("fix/1", 70s), AgentState::kIdle);
}

TEST_F(ActivityTest, AnAgentIsBusyWhileItsRequestsOrToolsAreUnderWay) {
  Add(0s, "agent.start", R"("agent":"fix/1","engine":"fast","turn":0,"max_turns":20)");
  EXPECT_EQ(StateOf("fix/1", 0s), AgentState::kBusy) << "nobody tells of its requests yet";
  Request(1s, "a", R"("agent":"fix/1")");
  EXPECT_EQ(StateOf("fix/1", 1s), AgentState::kBusy);
  Response(2s, "a", R"("agent":"fix/1")");
  EXPECT_EQ(StateOf("fix/1", 2s), AgentState::kIdle);
  Add(2s, "agent.turn",
      R"("agent":"fix/1","turn":1,"prompt_tokens":10,"completion_tokens":5,"tool_calls":1)");
  Add(2s, "tool_call", R"("agent":"fix/1","turn":1,"tool_name":"lint")");
  EXPECT_EQ(StateOf("fix/1", 2s), AgentState::kBusy);
  Add(3s, "tool_result", R"("agent":"fix/1","turn":1,"tool_name":"lint","status":"ok")");

  const AgentActivity agent = At(5s).agents.at(0);
  EXPECT_EQ(agent.state, AgentState::kIdle);
  EXPECT_EQ(agent.turn, 1);
  EXPECT_EQ(agent.max_turns, 20);
  EXPECT_EQ(agent.tool_calls, 1);
  EXPECT_EQ(agent.prompt_tokens, 10) << "its turns and its requests tell of the same tokens";
  EXPECT_EQ(agent.age, 2s);
  EXPECT_EQ(agent.last_event, "lint answered in some time");
}

TEST_F(ActivityTest, AgentsEndWellOrNotAndMayBeginAgain) {
  Add(0s, "agent.start", R"("agent":"fix/1")");
  Add(0s, "agent.start", R"("agent":"fix/2")");
  Add(1s, "agent_error", R"("agent":"fix/1","error":"limit")");
  Add(1s, "agent.end", R"("agent":"fix/1","status":"error")");
  Add(1s, "agent.end", R"("agent":"fix/2","status":"ok","prompt_tokens":7)");
  EXPECT_EQ(StateOf("fix/1", 99s), AgentState::kFailed);
  EXPECT_EQ(StateOf("fix/2", 99s), AgentState::kDone);
  EXPECT_EQ(At(1s).agents_failed, 1);
  EXPECT_EQ(At(1s).agents.at(1).prompt_tokens, 7);

  Add(2s, "agent.start", R"("agent":"fix/1","turn":3)");

  EXPECT_EQ(StateOf("fix/1", 2s), AgentState::kBusy);
  EXPECT_EQ(At(2s).agents.at(0).turn, 3);
}

TEST_F(ActivityTest, AgentsOfTwoRunsAreTwo) {
  Add(0s, "agent.start", R"("run":"a","agent":"fix/1")");
  Add(0s, "agent.start", R"("run":"b","agent":"fix/1")");
  Add(1s, "agent.end", R"("run":"a","agent":"fix/1","status":"ok")");

  EXPECT_EQ(At(1s).agents_known, 2);
  EXPECT_EQ(At(1s).agents_busy, 1);
}

TEST_F(ActivityTest, WorkStandsBeforeWhatHasEnded) {
  for (const char* agent : {"a", "b", "c", "d", "e"}) {
    Add(0s, "agent.start", StrCat(R"("agent":")", agent, R"(")"));
  }
  Add(1s, "agent.end", R"("agent":"a","status":"ok")");
  Add(2s, "agent.end", R"("agent":"b","status":"ok")");
  Add(2s, "agent.end", R"("agent":"c","status":"error")");

  std::string order;
  for (const AgentActivity& agent : At(2s).agents) order += agent.id;
  EXPECT_EQ(order, "decba");
}

TEST_F(ActivityTest, RatesAreOverTheWindow) {
  for (int i = 0; i < 20; ++i) {
    Request(i * 1s, "a");
    Response(i * 1s, "a");
  }
  EXPECT_DOUBLE_EQ(At(19s).requests_per_second, 1);
  EXPECT_DOUBLE_EQ(At(19s).prompt_per_second, 10);
  EXPECT_DOUBLE_EQ(At(19s).completion_per_second, 5);
  EXPECT_DOUBLE_EQ(At(19s).engines.at(0).tokens_per_second, 5);
  EXPECT_DOUBLE_EQ(At(24s).requests_per_second, 0.5);
  EXPECT_DOUBLE_EQ(At(40s).requests_per_second, 0);
}

TEST_F(ActivityTest, TheBeginningIsNoEmptyTime) {
  for (int i = 0; i < 4; ++i) Response(i * 500ms, "a");
  EXPECT_DOUBLE_EQ(At(2s).requests_per_second, 2);
}

TEST_F(ActivityTest, WithoutTheLinesOfRequestsTurnsAndNodesAreCounted) {
  Add(0s, "agent.start", R"("agent":"fix/1")");
  Add(1s, "agent.turn", R"("agent":"fix/1","prompt_tokens":10,"completion_tokens":5)");
  Add(1s, "node.end", R"("node":"fix","row":1,"ok":true,"prompt_tokens":10)");
  Add(1s, "node.end", R"("node":"sum","row":1,"ok":true,"prompt_tokens":20)");
  Add(1s, "node.end", R"("node":"sum","row":2,"ok":false,"error":"timeout")");

  const ActivityState state = At(1s);
  EXPECT_EQ(state.prompt_tokens, 30);
  EXPECT_EQ(state.steps, 3);
  EXPECT_EQ(state.steps_failed, 1);
  EXPECT_DOUBLE_EQ(state.prompt_per_second, 30);

  Response(2s, "x");
  EXPECT_EQ(At(2s).prompt_tokens, 10) << "now requests tell of all tokens";
}

TEST_F(ActivityTest, StreamsGrowAndAreRememberedWhenTheyEnd) {
  Request(0s, "a");
  Add(1s, "llm:stream_block_delta", R"("request_id":"a","choice":0,"text":"It is ")");
  Add(2s, "llm:stream_block_delta", R"("request_id":"a","choice":1,"text":"another")");
  Add(2s, "llm:stream_block_delta", R"("request_id":"a","choice":0,"text":"noon")");
  ASSERT_THAT(At(2s).streams, SizeIs(1));
  EXPECT_EQ(At(2s).streams[0].text, "It is noon");
  EXPECT_EQ(At(2s).streams[0].who, "fast");
  EXPECT_FALSE(At(2s).streams[0].stale);
  EXPECT_TRUE(At(99s).streams[0].stale);

  Response(3s, "a");

  EXPECT_THAT(At(3s).streams, SizeIs(0));
  EXPECT_EQ(At(3s).recent.at(1).text, "llm:stream      fast: It is noon");
}

TEST_F(ActivityTest, RecentEventsAreInWordsWithoutDetails) {
  Request(0s, "a", R"("agent":"fix/1")");
  Add(0s, "span.start", R"("span":"x","id":1)");
  Add(0s, "llm:request:debug", R"("request_id":"a","request":{})");
  Add(0s, "run.progress");
  Add(1s, "provider:retry", R"("retry":1,"max_retries":3,"delay_ms":500,"error":"timeout")");

  const ActivityState state = At(1s);
  ASSERT_THAT(state.recent, SizeIs(2));
  EXPECT_EQ(state.recent[0].text, "llm:request     fix/1: fast is asked");
  EXPECT_EQ(state.recent[0].agent, "fix/1");
  EXPECT_FALSE(state.recent[0].bad);
  EXPECT_TRUE(state.recent[1].bad);
  EXPECT_EQ(state.retries, 1);
}

TEST_F(ActivityTest, ServersAreFollowed) {
  Add(0s, "engine.start", R"("engine":"gpu","port":8001)");
  EXPECT_EQ(At(0s).engines.at(0).server, "starting");
  Add(1s, "engine.ready", R"("engine":"gpu","port":8001)");
  EXPECT_EQ(At(1s).engines.at(0).server, "ready");
  EXPECT_EQ(At(1s).engines.at(0).port, 8001);
  Add(2s, "engine.stop", R"("engine":"gpu","port":8001,"in_use":true,"gone":false)");
  EXPECT_EQ(At(2s).engines.at(0).server, "ready");
  Add(3s, "engine.stop", R"("engine":"gpu","port":8001,"in_use":false,"gone":true)");
  EXPECT_EQ(At(3s).engines.at(0).server, "stopped");
  EXPECT_EQ(At(3s).engines.at(0).port, 0);

  activity_->SetServer("gpu", ServerFigures{.running = 3, .kv_use = 0.5});
  EXPECT_EQ(At(3s).engines.at(0).figures->running, 3);
  activity_->SetServer("gpu", std::nullopt);
  EXPECT_FALSE(At(3s).engines.at(0).figures.has_value());
}

TEST_F(ActivityTest, LinesThatAreNoEventsChangeNothing) {
  for (const char* text : {"{}", "[]", "1", R"({"event":7})", R"({"event":"llm:response"})",
                           R"({"event":"tool_result","agent":7})"}) {
    activity_->Add(*json::Read(text));
  }
  EXPECT_EQ(activity_->invalid(), 4);
  EXPECT_EQ(activity_->first(), std::nullopt);
  EXPECT_EQ(At(0s).in_flight, 0);
  EXPECT_EQ(At(0s).agents_known, 0);
}

TEST_F(ActivityTest, JsonHasEverything) {
  Add(0s, "agent.start", R"("run":"r","agent":"fix/1","engine":"fast","max_turns":5)");
  Request(1s, "a", R"("run":"r","agent":"fix/1")");
  Add(1s, "llm:stream_block_delta", R"("request_id":"a","text":"Hm")");
  activity_->SetServer("fast", ServerFigures{.running = 3, .waiting = 1, .hit_rate = 0.5});

  std::string text;
  json::Writer out(text);
  WriteActivity(out, At(2s));

  EXPECT_EQ(
      text,
      R"({"ts":"2023-11-14T22:13:22.000Z","throughput":{"agents":1,"agents_busy":1,)"
      R"("agents_stale":0,"agents_failed":0,"in_flight":1,"stale":0,"requests":0,"errors":0,)"
      R"("retries":0,"steps":0,"steps_failed":0,"prompt_tokens":0,"completion_tokens":0,)"
      R"("requests_per_second":0,"prompt_tokens_per_second":0,"completion_tokens_per_second":0},)"
      R"("engines":[{"engine":"fast","in_flight":1,"stale":0,"requests":0,"errors":0,)"
      R"("requests_per_second":0,"tokens_per_second":0,"running":3,"waiting":1,"hit_rate":0.5}],)"
      R"("agents":[{"agent":"fix/1","run":"r","engine":"fast","state":"busy","turn":0,)"
      R"("max_turns":5,"in_flight":1,"tool_calls":0,"prompt_tokens":0,"completion_tokens":0,)"
      R"("age_ms":1000,"last_event":"fast is asked"}],)"
      R"("streams":[{"ts":"2023-11-14T22:13:21.000Z","who":"fix/1","request_id":"a",)"
      R"("stale":false,"text":"Hm"}],)"
      R"("recent":[{"ts":"2023-11-14T22:13:20.000Z",)"
      R"("text":"agent.start     fix/1: begins on fast, at most 5 turns"},)"
      R"({"ts":"2023-11-14T22:13:21.000Z","text":"llm:request     fix/1: fast is asked"}]})");
}

TEST(Activity, MemoryIsBoundedAndWhatGoesOnStays) {
  Activity activity({.max_agents = 16,
                     .max_requests = 16,
                     .max_engines = 4,
                     .max_recent = 5,
                     .max_text_bytes = 20,
                     .max_stream_bytes = 8});
  const auto add = [&](const std::string& event) { activity.Add(*json::Read(event)); };
  add(R"({"ts":"2023-11-14T22:13:20.000Z","event":"agent.start","agent":"first"})");
  for (int i = 0; i < 100; ++i) {
    add(StrCat(R"({"event":"agent.start","agent":")", i, R"("})"));
    add(StrCat(R"({"event":"agent.end","agent":")", i, R"(","status":"ok"})"));
    add(StrCat(R"({"event":"llm:request","engine":")", i, R"(","request_id":")", i, R"("})"));
    add(StrCat(R"({"event":"llm:stream_block_delta","request_id":")", i,
               R"(","text":"many pieces of text, and ö"})"));
  }

  const ActivityState state = activity.At(kBegin);
  EXPECT_LE(state.agents.size(), 16U);
  EXPECT_EQ(state.agents.at(0).id, "first");
  EXPECT_LE(state.in_flight, 16);
  EXPECT_EQ(state.engines.size(), 5U);
  EXPECT_THAT(state.recent, SizeIs(5));
  for (const RecentEvent& event : state.recent) EXPECT_LE(event.text.size(), 20U);
  ASSERT_FALSE(state.streams.empty());
  EXPECT_EQ(state.streams.back().request_id, "99");
  EXPECT_EQ(state.streams.back().text, ", and ö");
}

RC_GTEST_PROP(Activity, WhatBeginsAndEndsLeavesNothingBehind, ()) {
  const auto steps = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
  Activity activity;
  const auto add = [&](const std::string& event) { activity.Add(*json::Read(event)); };
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string ids = StrCat(R"("agent":"a)", i % 3, R"(","request_id":"r)", i % 5, R"(")");
    constexpr std::string_view kNames[] = {"llm:request", "llm:stream_block_delta", "tool_call",
                                           "llm:stream_aborted", "agent.start"};
    const std::string_view name = kNames[static_cast<std::size_t>(steps[i])];
    add(StrCat(R"({"event":")", name, R"(","text":"x",)", ids, "}"));
  }
  for (int i = 0; i < 5; ++i) {
    add(StrCat(R"({"event":"llm:response","status":"ok","request_id":"r)", i, R"("})"));
    add(StrCat(R"({"event":"agent.end","status":"ok","agent":"a)", i % 3, R"("})"));
  }

  const ActivityState state = activity.At(Moment());
  RC_ASSERT(state.in_flight == 0);
  RC_ASSERT(state.stale == 0);
  RC_ASSERT(state.streams.empty());
  RC_ASSERT(state.agents_busy == 0);
}

TEST(RateWindow, EventsOutOfOrderCount) {
  RateWindow window(10s);
  for (const Moment at : {5s, 3s, 4s, 3s}) window.Add(at, {.requests = 1});
  EXPECT_DOUBLE_EQ(window.PerSecond(10s, 0s).requests, 0.4);
  EXPECT_DOUBLE_EQ(window.PerSecond(4s, 0s).requests, 0.75);
  window.Add(100s, {.requests = 1});
  window.Add(3s, {.requests = 1});
  EXPECT_DOUBLE_EQ(window.PerSecond(100s, 0s).requests, 0.1);
}

}  // namespace
}  // namespace weir::events
