#include "weir/sim/rehearsal.h"

#include <thread>

#include <gmock/gmock.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

using model::Message;
using model::Role;

constexpr Prompt kNoPrompt;

Script Load(std::string_view text) {
  Result<Script> script = LoadScript(text, "s.yaml");
  EXPECT_TRUE(script.has_value()) << script.error().message;
  return script.value_or(Script());
}

// A conversation that every condition can be tried on.
model::Call Talk() {
  model::Call call;
  call.model = "m";
  call.messages = {
      Message::Text(Role::kSystem, "Be polite."), Message::Text(Role::kUser, "weather in Paris?"),
      Message::Text(Role::kAssistant, "Looking."), Message::Text(Role::kTool, "sunny, 20 degrees")};
  call.tools.push_back({.name = "look"});
  return call;
}

// The text of what is found, or "-".
std::string Find(Rehearsal& rehearsal, const Cue& cue) {
  const std::shared_ptr<const ScriptedReply> reply = rehearsal.Find(cue);
  return reply == nullptr ? "-" : reply->text.value_or("");
}

std::string Find(Rehearsal& rehearsal, const model::Call& call) {
  return Find(rehearsal, {.call = call, .prompts = {&kNoPrompt, 1}});
}

struct Condition {
  std::string_view match;
  bool fits;
};

TEST(Rehearsal, ARuleFitsWhenEveryConditionDoes) {
  const model::Call call = Talk();
  const http::Headers headers{{"X-Test", "one two"}, {"X-Test", "three"}};
  const Cue cue{.call = call, .prompts = {&kNoPrompt, 1}, .headers = &headers, .stream = true};
  constexpr Condition kConditions[] = {
      {"{}", true},
      {"{model: m}", true},
      {"{model: n}", false},
      {"{contains: Looking}", true},
      {"{contains: polite}", true},
      {"{contains: rude}", false},
      {"{last_user: Paris}", true},
      {"{last_user: sunny}", false},
      {"{tool_choice: unset}", true},
      {"{tool_choice: required}", false},
      {"{tool_result: sunny}", true},
      {"{tool_result: Paris}", false},
      {"{system: polite}", true},
      {"{system: Paris}", false},
      {"{tool: look}", true},
      {"{tool: loo}", false},
      {"{turn: 2}", true},
      {"{turn: 1}", false},
      {"{stream: true}", true},
      {"{stream: false}", false},
      {"{headers: {x-test: two}}", true},
      {"{headers: {x-test: three}}", true},
      {"{headers: {x-test: three, x-other: a}}", false},
      {"{headers: {x-test: four}}", false},
      {"{model: m, turn: 2, tool: look, contains: Paris}", true},
      {"{model: m, turn: 2, tool: look, contains: Rome}", false},
      {"{call_number: 1}", true},
      {"{call_number: 2}", false},
  };
  for (const auto& [match, fits] : kConditions) {
    Rehearsal rehearsal(Load(StrCat("- {match: ", match, ", reply: {text: a}}")), 0);
    EXPECT_EQ(Find(rehearsal, cue), fits ? "a" : "-") << match;
  }
}

TEST(Rehearsal, APromptIsLookedThroughAndAnAdapterIsTheModel) {
  model::Call call;
  call.model = "m";
  call.adapter = "poet";
  const Prompt prompts[] = {{.text = "first"}, {.text = "second one"}};
  const Cue cue{.call = call, .prompts = prompts};
  Rehearsal rehearsal(Load("- {match: {model: m}, reply: {text: model}}\n"
                           "- {match: {contains: second, model: poet}, reply: {text: poet}}\n"),
                      0);

  EXPECT_EQ(Find(rehearsal, cue), "poet");
}

TEST(Rehearsal, WithoutHeadersNoRuleThatAsksForThemFits) {
  Rehearsal rehearsal(Load("- {match: {headers: {x: ''}}, reply: {text: a}}"), 0);

  EXPECT_EQ(Find(rehearsal, Talk()), "-");
}

TEST(Rehearsal, ARuleIsSpentAndTheNextOneFollows) {
  Rehearsal rehearsal(Load("- {name: one, times: 2, reply: {text: a}}\n"
                           "- {name: two, match: {call_number: 2}, reply: {text: b}}\n"
                           "- {name: three, match: {model: other}, reply: {text: c}}\n"),
                      0);
  const model::Call call = Talk();
  std::string told;
  for (int i = 0; i < 5; ++i) told += Find(rehearsal, call);

  EXPECT_EQ(told, "aa-b-");
  EXPECT_EQ(rehearsal.CountsJson(), R"([{"name":"one","matched":5,"applied":2},)"
                                    R"({"name":"two","matched":3,"applied":1},)"
                                    R"({"name":"three","matched":0,"applied":0}])");

  rehearsal.ResetCounts();
  EXPECT_EQ(Find(rehearsal, call), "a");
}

TEST(Rehearsal, ARateIsDrawnBySeedAndCount) {
  const auto draw = [](std::uint64_t seed) {
    Rehearsal rehearsal(Load("- {rate: 0.3, reply: {text: a}}\n- {rate: 0.3, reply: {text: b}}"),
                        seed);
    const model::Call call = Talk();
    std::string told;
    for (int i = 0; i < 1000; ++i) told += Find(rehearsal, call);
    return told;
  };
  const std::string told = draw(1);

  EXPECT_EQ(told, draw(1));
  EXPECT_NE(told, draw(2));
  EXPECT_NEAR(static_cast<double>(std::ranges::count(told, 'a')), 300, 50);
  EXPECT_NEAR(static_cast<double>(std::ranges::count(told, 'b')), 210, 50);
}

TEST(Rehearsal, ARateOfZeroNeverAppliesAndOfOneAlwaysDoes) {
  Rehearsal rehearsal(Load("- {rate: 0, reply: {text: a}}\n- {rate: 1, reply: {text: b}}"), 0);
  const model::Call call = Talk();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(Find(rehearsal, call), "b");
}

TEST(Rehearsal, AReplyOutlivesTheScriptItCameFrom) {
  Rehearsal rehearsal(Load("- reply: {text: old}"), 0);
  const model::Call call = Talk();
  const std::shared_ptr<const ScriptedReply> old =
      rehearsal.Find({.call = call, .prompts = {&kNoPrompt, 1}});
  rehearsal.Replace(Load("- {times: 1, reply: {text: new}}\n- reply: {text: newer}"));

  EXPECT_EQ(old->text, "old");
  EXPECT_EQ(rehearsal.rules(), 2U);
  EXPECT_EQ(Find(rehearsal, call), "new");
  EXPECT_EQ(Find(rehearsal, call), "newer");
}

TEST(Rehearsal, ManyThreadsCountEveryRequestWhileScriptsAreExchanged) {
  constexpr int kThreads = 4;
  constexpr int kCalls = 2000;
  const std::string_view text = "- {times: 3000, reply: {text: a}}\n- reply: {text: b}";
  Rehearsal rehearsal(Load(text), 0);
  const model::Call call = Talk();
  std::atomic<int> found = 0;
  const auto work = [&] {
    for (int i = 0; i < kCalls; ++i) found += Find(rehearsal, call) == "a" ? 1 : 0;
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
  }
  EXPECT_EQ(found, 3000);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work);
    for (int i = 0; i < 100; ++i) rehearsal.Replace(Load(text));
  }
  EXPECT_EQ(rehearsal.rules(), 2U);
}

}  // namespace
}  // namespace weir::sim
