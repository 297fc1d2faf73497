#include "weir/cli/top_frame.h"

#include <chrono>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/cli/markdown/character.h"

namespace weir::cli {
namespace {

using namespace std::chrono_literals;
using events::ActivityState;
using events::AgentActivity;
using events::AgentState;
using events::Moment;
using testing::HasSubstr;
using testing::Not;

constexpr Moment kNow = 1'700'000'000s;  // 22:13:20

AgentActivity Agent(std::string id, AgentState state, Moment age, std::string last_event) {
  return {.key = id,
          .id = std::move(id),
          .state = state,
          .turn = 2,
          .max_turns = 20,
          .in_flight = state == AgentState::kBusy ? 1 : 0,
          .prompt_tokens = 1200,
          .completion_tokens = 34,
          .age = age,
          .last_event = std::move(last_event)};
}

ActivityState Busy() {
  ActivityState state{.now = kNow,
                      .agents_known = 5,
                      .agents_busy = 2,
                      .agents_stale = 1,
                      .agents_failed = 1,
                      .in_flight = 2,
                      .stale = 1,
                      .requests = 120,
                      .errors = 3,
                      .retries = 1,
                      .requests_per_second = 12.34,
                      .prompt_per_second = 12'345,
                      .completion_per_second = 678};
  state.engines = {
      {.name = "fast",
       .in_flight = 2,
       .stale = 1,
       .errors = 3,
       .requests_per_second = 12.34,
       .tokens_per_second = 678,
       .p50_millis = 85,
       .figures =
           events::ServerFigures{.running = 2, .waiting = 7, .kv_use = 0.12, .hit_rate = 0.815}},
      {.name = "slow", .server = "starting"}};
  state.agents = {
      Agent("fix/0", AgentState::kBusy, 200ms, "fast is asked for m, 3 messages, streamed"),
      Agent("fix/1", AgentState::kBusy, 1s, "calls run_linter"),
      Agent("fix/4", AgentState::kStale, 95s, "fast is asked for m, 3 messages, streamed"),
      Agent("fix/2", AgentState::kFailed, 7s, "has failed after 20 turns and 12 s, 19 tool calls"),
      Agent("fix/3", AgentState::kDone, 2h, "is done after 4 turns and 8.2 s, 3 tool calls")};
  for (int i = 0; i < 30; ++i) {
    state.recent.push_back({.time = kNow - Moment(1000 * (30 - i)),
                            .agent = i % 2 == 0 ? "fix/0" : "fix/1",
                            .text = StrCat("tool_call       fix/", i % 2, ": calls tool", i),
                            .bad = i == 29});
  }
  state.streams = {{.time = kNow,
                    .agent = "fix/0",
                    .who = "fix/0",
                    .request_id = "a",
                    .text = "The first line is too long,\nso it is cut in two, and then again "
                            "because the rule wants at most forty columns for each of them"}};
  return state;
}

std::string Text(const ActivityState& state, TopFrameOptions options) {
  options.colour = false;
  std::string text;
  for (const std::string& line : TopFrame(state, options)) StrAppend(text, line, "\n");
  return text;
}

TEST(TopFrame, AUsualTerminalShowsAllPanels) {
  EXPECT_EQ(Text(Busy(), {.source = "events.jsonl"}), R"(weir top · 22:13:20 UTC · events.jsonl
Throughput  2 of 5 agents busy (1 stale, 1 failed) · 2 in flight (1 stale)
            12 req/s · 12,345 prompt + 678 answer tok/s · 3 errors · 1 retry

Engines  server    flight  stale  req/s  tok/s    p50  errors  run  wait    KV
fast                    2      1     12    678  85 ms       3    2     7  12 %
slow     starting       0             0      0

Agents  state   turn  flight  tokens    age  last event
fix/0   busy    2/20       1   1,234    0 s  fast is asked for m, 3 messages, …
fix/1   busy    2/20       1   1,234    1 s  calls run_linter
fix/4   stale   2/20           1,234  1 min  fast is asked for m, 3 messages, …
fix/2   failed  2/20           1,234    7 s  has failed after 20 turns and 12 …
fix/3   done    2/20           1,234    2 h  is done after 4 turns and 8.2 s, …

Recent events
22:13:15  tool_call       fix/1: calls tool25
22:13:16  tool_call       fix/0: calls tool26
22:13:17  tool_call       fix/1: calls tool27
22:13:18  tool_call       fix/0: calls tool28
22:13:19  tool_call       fix/1: calls tool29
22:13:20  ▍fix/0: …ecause the rule wants at most forty columns for each of them
q quit · ? help · p pause · Tab next agent · Esc all agents
)");
}

TEST(TopFrame, ASmallTerminalShowsTheMostImportant) {
  EXPECT_EQ(Text(Busy(), {.width = 40, .height = 10, .source = "events.jsonl"}),
            R"(weir top · 22:13:20 UTC · events.jsonl
2/5 busy · 2 in flight · 2 stale
12 req/s · 678 tok/s · 3 errors
Engines  flight  stale  tok/s  errors
fast          2      1    678       3
Agents  state  turn  age  last event
fix/0   busy   2/20  0 s  fast is aske…
▍fix/0: …forty columns for each of them
q quit · ? help · p pause
)");
}

TEST(TopFrame, AWideTerminalShowsMore) {
  EXPECT_EQ(Text(Busy(), {.width = 120, .height = 40, .source = "events.jsonl", .keys = false}),
            R"(weir top · 22:13:20 UTC · events.jsonl
Throughput  2 of 5 agents busy (1 stale, 1 failed) · 2 in flight (1 stale)
            12 req/s · 12,345 prompt + 678 answer tok/s · 3 errors · 1 retry

Engines  server    flight  stale  req/s  tok/s    p50  errors  run  wait    KV  hits
fast                    2      1     12    678  85 ms       3    2     7  12 %  81 %
slow     starting       0             0      0

Agents  state   turn  flight  tokens    age  last event
fix/0   busy    2/20       1   1,234    0 s  fast is asked for m, 3 messages, streamed
fix/1   busy    2/20       1   1,234    1 s  calls run_linter
fix/4   stale   2/20           1,234  1 min  fast is asked for m, 3 messages, streamed
fix/2   failed  2/20           1,234    7 s  has failed after 20 turns and 12 s, 19 tool calls
fix/3   done    2/20           1,234    2 h  is done after 4 turns and 8.2 s, 3 tool calls

Recent events
22:12:58  tool_call       fix/0: calls tool8
22:12:59  tool_call       fix/1: calls tool9
22:13:00  tool_call       fix/0: calls tool10
22:13:01  tool_call       fix/1: calls tool11
22:13:02  tool_call       fix/0: calls tool12
22:13:03  tool_call       fix/1: calls tool13
22:13:04  tool_call       fix/0: calls tool14
22:13:05  tool_call       fix/1: calls tool15
22:13:06  tool_call       fix/0: calls tool16
22:13:07  tool_call       fix/1: calls tool17
22:13:08  tool_call       fix/0: calls tool18
22:13:09  tool_call       fix/1: calls tool19
22:13:10  tool_call       fix/0: calls tool20
22:13:11  tool_call       fix/1: calls tool21
22:13:12  tool_call       fix/0: calls tool22
22:13:13  tool_call       fix/1: calls tool23
22:13:14  tool_call       fix/0: calls tool24
22:13:15  tool_call       fix/1: calls tool25
22:13:16  tool_call       fix/0: calls tool26
22:13:17  tool_call       fix/1: calls tool27
22:13:18  tool_call       fix/0: calls tool28
22:13:19  tool_call       fix/1: calls tool29
22:13:20  ▍fix/0: …g, so it is cut in two, and then again because the rule wants at most forty columns for each of them
)");
}

TEST(TopFrame, ASelectedAgentHasTheEventsForItself) {
  const std::string text = Text(Busy(), {.note = "paused", .selected = "fix/0"});
  EXPECT_THAT(text, HasSubstr("weir top · 22:13:20 UTC · paused · fix/0\n"));
  EXPECT_THAT(text, HasSubstr("▸ fix/0"));
  EXPECT_THAT(text, HasSubstr("Events of fix/0\n"));
  EXPECT_THAT(text, HasSubstr("calls tool28"));
  EXPECT_THAT(text, Not(HasSubstr("calls tool29")));
  EXPECT_THAT(text, HasSubstr("fix/0: The first line is too long, so it is cut in two"));
  EXPECT_THAT(text, HasSubstr("forty columns for each of them\n")) << "all of its lines";
}

TEST(TopFrame, ASelectedAgentIsScrolledToItsPlace) {
  ActivityState state = Busy();
  for (int i = 5; i < 60; ++i) {
    state.agents.push_back(Agent(StrCat("fix/", i), AgentState::kDone, 1s, "is done"));
  }
  EXPECT_THAT(Text(state, {.selected = "fix/40"}), HasSubstr("▸ fix/40"));
  EXPECT_THAT(Text(state, {.selected = "fix/59"}), HasSubstr("▸ fix/59"));
  EXPECT_THAT(Text(state, {.selected = "gone"}), HasSubstr("Recent events"));
}

TEST(TopFrame, StepsOfFlowsAreCounted) {
  const std::string text = Text({.now = kNow, .steps = 1200, .steps_failed = 2}, {});
  EXPECT_THAT(text, HasSubstr("Throughput  1,200 steps (2 failed)\n"));
  EXPECT_THAT(text, HasSubstr("Engines     not told: these events are of steps alone\n"));
}

TEST(TopFrame, NothingIsSaidToBeNothing) {
  const std::string text = Text({.now = kNow}, {.note = "waits for the file"});
  EXPECT_THAT(text, HasSubstr("waits for the file"));
  EXPECT_THAT(text, HasSubstr("0 in flight"));
  EXPECT_THAT(text, HasSubstr("Engines     none was asked yet\n"));
  EXPECT_THAT(text, HasSubstr("Agents      none has begun yet\n"));
  EXPECT_THAT(text, HasSubstr("Recent      nothing happened yet\n"));
}

TEST(TopFrame, WhatEventsHoldSteersNoTerminal) {
  ActivityState state = Busy();
  state.agents[0].id = state.engines[0].name = state.streams[0].who = "\033[31mred\n";
  state.agents[0].last_event = state.recent.back().text = state.streams[0].text = "\033]0;x\a\r\n";
  for (const std::string& line :
       TopFrame(state, {.colour = false, .source = "\033[2J", .selected = "fix/0"})) {
    EXPECT_EQ(line.find_first_of("\033\a\r\n"), line.npos) << line;
  }
}

TEST(TopFrame, ColoursAreOnlyWhereTheyAreWanted) {
  const auto coloured = TopFrame(Busy(), {.colour = true});
  EXPECT_THAT(Join(coloured, "\n"), HasSubstr("\033[33mstale\033[0m"));
  EXPECT_THAT(Text(Busy(), {}), Not(HasSubstr("\033")));
}

TEST(TopFrame, WithoutUnicodeAllSignsAreAscii) {
  const std::string text = Text(Busy(), {.unicode = false, .selected = "fix/0"});
  for (const char c : text) ASSERT_GT(c, 0) << text;
}

RC_GTEST_PROP(TopFrame, FitsInEverySize, ()) {
  ActivityState state = Busy();
  const int agents = *rc::gen::inRange(0, 40);
  state.agents.clear();
  for (int i = 0; i < agents; ++i) {
    state.agents.push_back(Agent(StrCat("node", i, "/\xE6\xBC\xA2", i), AgentState::kBusy,
                                 Moment(i * 1'000'000), "漢字漢字漢字漢字漢字漢字漢字漢字漢字"));
  }
  for (int i = *rc::gen::inRange(0, 20); i > 0; --i) state.engines.push_back({.name = "engine"});
  if (*rc::gen::arbitrary<bool>()) state.streams.clear();
  if (*rc::gen::arbitrary<bool>()) state.recent.clear();
  const TopFrameOptions options{
      .width = *rc::gen::inRange(1, 200),
      .height = *rc::gen::inRange(1, 70),
      .colour = false,
      .source = "a/long/path/of/some/events.jsonl",
      .selected = *rc::gen::arbitrary<bool>() && agents > 0 ? state.agents[0].key : "",
      .keys = *rc::gen::arbitrary<bool>()};

  const std::vector<std::string> lines = TopFrame(state, options);

  RC_ASSERT(static_cast<int>(lines.size()) <= std::max(options.height - 1, 1));
  for (const std::string& line : lines) {
    RC_ASSERT(TextWidth(line) <= std::max(options.width - 1, 1));
  }
  for (const std::string& line : TopHelp(options)) {
    RC_ASSERT(TextWidth(line) <= std::max(options.width - 1, 1));
  }
}

TEST(TopHelp, NamesEveryKey) {
  const std::string text = Join(TopHelp({.colour = false}), "\n");
  for (const char* key : {"q", "p, Space", "Tab", "Esc", "?"}) EXPECT_THAT(text, HasSubstr(key));
}

}  // namespace
}  // namespace weir::cli
