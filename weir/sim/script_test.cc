#include "weir/sim/script.h"

#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFull = R"(
- match: {model: m, contains: weather, last_user: Paris, call_number: 2}
  reply:
    text: Sunny.
    finish: length
    delay: 1.5s
    ttft: 20ms
    itl: 0
    drop_after: 3
    stall_after: 4
  times: 5
- reply:
    tool_calls:
      - {name: look, arguments: {city: Paris}}
      - {name: broken, arguments: "{\"a\":"}
- reply: {error: {status: 429, type: T, message: slow down, retry_after: 2}}
- reply: {garbage: "\x01nonsense"}
- reply: {html: "<html>"}
)";

TEST(Script, EveryFieldIsRead) {
  const Result<Script> script = LoadScript(kFull, "s.yaml");

  ASSERT_TRUE(script.has_value()) << script.error().message;
  ASSERT_EQ(script->rules.size(), 5U);
  const Rule& first = script->rules[0];
  EXPECT_EQ(first.match.model, "m");
  EXPECT_EQ(first.match.contains, "weather");
  EXPECT_EQ(first.match.last_user, "Paris");
  EXPECT_EQ(first.match.call_number, 2);
  EXPECT_EQ(first.reply.text, "Sunny.");
  EXPECT_EQ(first.reply.finish, "length");
  EXPECT_EQ(first.reply.delay, 1500ms);
  EXPECT_EQ(first.reply.ttft, 20ms);
  EXPECT_EQ(first.reply.itl, 0ms);
  EXPECT_EQ(first.reply.drop_after, 3U);
  EXPECT_EQ(first.reply.stall_after, 4U);
  EXPECT_EQ(first.times, 5);
  const std::vector<model::ToolCall> calls = {{"", "look", R"({"city":"Paris"})"},
                                              {"", "broken", R"({"a":)"}};
  EXPECT_EQ(script->rules[1].reply.tool_calls, calls);
  ASSERT_TRUE(script->rules[2].reply.error.has_value());
  EXPECT_EQ(script->rules[2].reply.error->status, 429);
  EXPECT_EQ(script->rules[2].reply.error->type, "T");
  EXPECT_EQ(script->rules[2].reply.error->message, "slow down");
  EXPECT_EQ(script->rules[2].reply.error->retry_after, "2");
  EXPECT_EQ(script->rules[3].reply.garbage, "\x01nonsense");
  EXPECT_EQ(script->rules[4].reply.html, "<html>");
}

// CTest runs in the root of the tree.
TEST(Script, TheExamplesOfTheManualAreRight) {
  std::ifstream file("docs/sim.md");
  if (!file) GTEST_SKIP() << "docs/sim.md is not below the current folder";
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = manual.find("```yaml\n") + 8;

  const Result<Script> script =
      LoadScript(manual.substr(begin, manual.find("```", begin) - begin), "sim.md");

  ASSERT_TRUE(script.has_value()) << script.error().message;
  EXPECT_EQ(script->rules.size(), 7U);
}

TEST(Script, EmptyTextIsAnEmptyScript) {
  EXPECT_TRUE(LoadScript("", "s.yaml").value_or(Script{{Rule()}}).rules.empty());
}

struct Mistake {
  std::string_view text;
  std::string_view message;
};

TEST(Script, MistakesAreNamedWithTheirPlace) {
  const Mistake mistakes[] = {
      {"- reply: {txet: a}\n", "s.yaml:1:11: unknown key `txet`; did you mean `text`?"},
      {"- match: {zzz: a}\n  reply: {}\n",
       "s.yaml:1:11: unknown key `zzz`; known are model, contains, last_user, call_number"},
      {"reply: a\n", "s.yaml:1:1: a script is a list of rules"},
      {"- match: {model: a}\n", "s.yaml:1:3: a rule needs `reply`: what happens"},
      {"- reply:\n    text: a\n    html: b\n", "s.yaml:3:5: a reply has either `text` or `html`"},
      {"- reply: {delay: 5}\n",
       "s.yaml:1:18: expected a time of at most a day with its unit, such as 250ms or 2s"},
      {"- reply: {drop_after: -1}\n", "s.yaml:1:23: expected a whole number of at least 0"},
      {"- reply: {text: [a]}\n", "s.yaml:1:17: expected a text, found array"},
      {"- reply: {error: {status: 200}}\n", "s.yaml:1:27: expected a whole number of at least 400"},
      {"- reply: {tool_calls: [{arguments: {}}]}\n", "s.yaml:1:24: a tool call needs a `name`"},
  };
  for (const Mistake& mistake : mistakes) {
    const Result<Script> script = LoadScript(mistake.text, "s.yaml");
    ASSERT_FALSE(script.has_value()) << mistake.text;
    EXPECT_EQ(script.error().code, Code::kConfigError);
    EXPECT_EQ(script.error().message, mistake.message);
  }
}

TEST(Script, CutAnywhereItIsReadOrRefused) {
  for (std::size_t size = 0; size < kFull.size(); ++size) {
    const Result<Script> script = LoadScript(kFull.substr(0, size), "s.yaml");
    if (!script)
      EXPECT_TRUE(script.error().message.starts_with("s.yaml:")) << script.error().message;
  }
}

}  // namespace
}  // namespace weir::sim
