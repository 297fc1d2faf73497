#include "weir/sim/script.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::Pair;

constexpr std::string_view kFull = R"(
- name: the weather
  match:
    path: /v1/completions
    model: m
    contains: weather
    last_user: Paris
    tool_result: sunny
    system: polite
    tool: look
    turn: 2
    stream: true
    headers: {X-Test: a, x-number: 7}
    call_number: 2
  reply:
    text: Sunny.
    reasoning: Hm.
    probability: 0.5
    finish: length
    headers: {x-served-by: me, x-count: 3}
    delay: 1.5s
    ttft: 20ms
    itl: 0
    drop_after: 3
    stall_after: 4
    faults:
      - no_done
      - {kind: slow_drip, pause: 2ms, after: 1}
      - {kind: error_event, after: 9, message: engine died}
      - {kind: violate, keyword: maxLength}
      - {kind: violate, text: enum}
  rate: 0.25
  times: 5
- reply:
    tool_calls:
      - {name: look, arguments: {city: Paris}, probability: 1}
      - {name: broken, arguments: "{\"a\":"}
      - {name: none}
- reply: {error: {status: 429, type: T, message: slow down, param: n, code: 17, retry_after: 2}}
- reply: {garbage: "\x01nonsense"}
- reply: {html: "<html>"}
- reply: {refusal: I will not.}
)";

TEST(Script, ARuleWithoutANameIsCalledByItsPlace) {
  const Result<Script> script = LoadScript(
      "rules:\n- reply: {text: a}\n- name: b\n  reply: {text: b}\n- reply: {}\n", "s.yaml");

  ASSERT_TRUE(script.has_value()) << script.error().message;
  ASSERT_EQ(script->rules.size(), 3U);
  EXPECT_EQ(script->rules[0].name, "rule 1, line 2");
  EXPECT_EQ(script->rules[1].name, "b");
  EXPECT_EQ(script->rules[2].name, "rule 3, line 5");
}

TEST(Script, EveryFieldIsRead) {
  const Result<Script> script = LoadScript(kFull, "s.yaml");

  ASSERT_TRUE(script.has_value()) << script.error().message;
  ASSERT_EQ(script->rules.size(), 6U);
  const Rule& first = script->rules[0];
  EXPECT_EQ(first.name, "the weather");
  EXPECT_EQ(first.rate, 0.25);
  EXPECT_EQ(first.times, 5);
  EXPECT_EQ(first.match.path, "/v1/completions");
  EXPECT_EQ(first.match.model, "m");
  EXPECT_EQ(first.match.contains, "weather");
  EXPECT_EQ(first.match.last_user, "Paris");
  EXPECT_EQ(first.match.tool_result, "sunny");
  EXPECT_EQ(first.match.system, "polite");
  EXPECT_EQ(first.match.tool, "look");
  EXPECT_EQ(first.match.turn, 2);
  EXPECT_EQ(first.match.stream, true);
  EXPECT_THAT(first.match.headers, ElementsAre(Pair("X-Test", "a"), Pair("x-number", "7")));
  EXPECT_EQ(first.match.call_number, 2);
  const ScriptedReply& reply = first.reply;
  EXPECT_EQ(reply.text, "Sunny.");
  EXPECT_EQ(reply.reasoning, "Hm.");
  EXPECT_EQ(reply.probability, 0.5);
  EXPECT_EQ(reply.finish, "length");
  EXPECT_THAT(reply.headers, ElementsAre(Pair("x-served-by", "me"), Pair("x-count", "3")));
  EXPECT_EQ(reply.delay, 1500ms);
  EXPECT_EQ(reply.ttft, 20ms);
  EXPECT_EQ(reply.itl, 0ms);
  EXPECT_FALSE(script->rules[1].reply.ttft.has_value());
}

TEST(Script, EveryAnswerIsRead) {
  const Result<Script> script = LoadScript(kFull, "s.yaml");

  ASSERT_TRUE(script.has_value()) << script.error().message;
  const std::vector<ScriptedCall>& calls = script->rules[1].reply.tool_calls;
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_EQ(calls[0].name, "look");
  EXPECT_EQ(calls[0].arguments, R"({"city":"Paris"})");
  EXPECT_EQ(calls[0].probability, 1);
  EXPECT_EQ(calls[1].arguments, R"({"a":)");
  EXPECT_FALSE(calls[1].probability.has_value());
  EXPECT_EQ(calls[2].arguments, "{}");
  const std::optional<ScriptedError>& error = script->rules[2].reply.error;
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->status, 429);
  EXPECT_EQ(error->type, "T");
  EXPECT_EQ(error->message, "slow down");
  EXPECT_EQ(error->param, "n");
  EXPECT_EQ(error->code, "17");
  EXPECT_EQ(error->retry_after, "2");
  EXPECT_EQ(script->rules[3].reply.garbage, "\x01nonsense");
  EXPECT_EQ(script->rules[4].reply.html, "<html>");
  EXPECT_EQ(script->rules[5].reply.refusal, "I will not.");
}

TEST(Script, FaultsAreReadAndOldSpellingsWithThem) {
  const Result<Script> script = LoadScript(kFull, "s.yaml");

  ASSERT_TRUE(script.has_value()) << script.error().message;
  const auto is = [](Fault::Kind kind, std::size_t after, std::string_view text, Duration pause) {
    return AllOf(Field(&Fault::kind, kind), Field(&Fault::after, after), Field(&Fault::text, text),
                 Field(&Fault::pause, pause));
  };
  EXPECT_THAT(
      script->rules[0].reply.faults,
      ElementsAre(is(Fault::Kind::kReset, 3, "", 1ms), is(Fault::Kind::kStall, 4, "", 1ms),
                  is(Fault::Kind::kNoDone, 0, "", 1ms), is(Fault::Kind::kSlowDrip, 1, "", 2ms),
                  is(Fault::Kind::kErrorEvent, 9, "engine died", 1ms),
                  is(Fault::Kind::kViolate, 0, "maxLength", 1ms),
                  is(Fault::Kind::kViolate, 0, "enum", 1ms)));
}

TEST(Script, EveryFaultHasItsWord) {
  constexpr std::pair<std::string_view, Fault::Kind> kWords[] = {
      {"stall", Fault::Kind::kStall},
      {"reset", Fault::Kind::kReset},
      {"close", Fault::Kind::kClose},
      {"truncated_chunk", Fault::Kind::kTruncatedChunk},
      {"malformed_event", Fault::Kind::kMalformedEvent},
      {"duplicate_event", Fault::Kind::kDuplicateEvent},
      {"garbage_bytes", Fault::Kind::kGarbageBytes},
      {"empty_choices", Fault::Kind::kEmptyChoices},
      {"error_event", Fault::Kind::kErrorEvent},
      {"wrong_usage", Fault::Kind::kWrongUsage},
      {"no_done", Fault::Kind::kNoDone},
      {"no_finish", Fault::Kind::kNoFinish},
      {"slow_drip", Fault::Kind::kSlowDrip},
      {"ignore_constraint", Fault::Kind::kIgnoreConstraint},
      {"runaway_whitespace", Fault::Kind::kRunawayWhitespace},
  };
  for (const auto& [word, kind] : kWords) {
    for (const std::string& text : {StrCat("- reply: {faults: [", word, "]}"),
                                    StrCat("- reply: {faults: [{kind: ", word, "}]}")}) {
      const Result<Script> script = LoadScript(text, "s.yaml");
      ASSERT_TRUE(script.has_value()) << script.error().message;
      EXPECT_EQ(script->rules[0].reply.faults.at(0).kind, kind) << word;
    }
  }
}

TEST(Script, RulesMayStandInAMappingAndInJson) {
  constexpr std::string_view kTexts[] = {
      "- reply: {text: \xf0\x9f\x98\x80}\n",
      "rules:\n  - reply: {text: \xf0\x9f\x98\x80}\n",
      R"([{"reply":{"text":"\ud83d\ude00"}}])",
      "{\n\t\"rules\": [\n\t\t{\"reply\": {\"text\": \"\\ud83d\\ude00\"}}\n\t]\n}\n",
  };
  for (const std::string_view text : kTexts) {
    const Result<Script> script = LoadScript(text, "s.yaml");
    ASSERT_TRUE(script.has_value()) << script.error().message;
    ASSERT_EQ(script->rules.size(), 1U);
    EXPECT_EQ(script->rules[0].reply.text, "\xf0\x9f\x98\x80");
  }
  EXPECT_TRUE(LoadScript("{}", "s.yaml").value_or(Script{{Rule()}}).rules.empty());
}

// CTest runs in the root of the tree.
TEST(Script, TheExamplesOfTheManualAreRight) {
  std::ifstream file("docs/simulator.md");
  if (!file) GTEST_SKIP() << "docs/simulator.md is not below the current folder";
  const std::string manual{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = manual.find("```yaml\n") + 8;

  const Result<Script> script =
      LoadScript(manual.substr(begin, manual.find("```", begin) - begin), "simulator.md");

  ASSERT_TRUE(script.has_value()) << script.error().message;
  EXPECT_EQ(script->rules.size(), 17U);
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
       "s.yaml:1:11: unknown key `zzz`; known are path, model, contains, last_user, tool_result, "
       "system, "
       "tool, tool_choice, turn, stream, headers, call_number"},
      {"reply: a\n", "s.yaml:1:1: unknown key `reply`; known are rules"},
      {"a\n", "s.yaml:1:1: a script is a list of rules, or a mapping with `rules`"},
      {"rules: a\n", "s.yaml:1:8: a script is a list of rules, or a mapping with `rules`"},
      {"- match: {model: a}\n", "s.yaml:1:3: a rule needs `reply`: what happens"},
      {"- reply:\n    text: a\n    html: b\n", "s.yaml:3:5: a reply has either `text` or `html`"},
      {"- reply: {delay: 5}\n",
       "s.yaml:1:18: expected a time of at most a day with its unit, such as 250ms or 2s"},
      {"- reply: {drop_after: -1}\n", "s.yaml:1:23: expected a whole number of at least 0"},
      {"- reply: {text: [a]}\n", "s.yaml:1:17: expected a text, found array"},
      {"- reply: {error: {status: 200}}\n", "s.yaml:1:27: expected a whole number of at least 400"},
      {"- reply: {tool_calls: [{arguments: {}}]}\n", "s.yaml:1:24: a tool call needs a `name`"},
      {"- reply: {tool_calls: {}}\n", "s.yaml:1:23: `tool_calls` is a list of at least one call"},
      {"- reply: {text: a, refusal: b}\n", "s.yaml:1:20: a reply has either `text` or `refusal`"},
      {"- reply: {error: {}, reasoning: b}\n",
       "s.yaml:1:11: a reply has either `reasoning` or `error`"},
      {"- reply: {probability: 0}\n", "s.yaml:1:24: expected a probability: above 0, at most 1"},
      {"- {reply: {}, rate: 1.5}\n", "s.yaml:1:21: expected a number from 0 (never) to 1 (always)"},
      {"- {reply: {}, match: {stream: 1}}\n", "s.yaml:1:31: expected true or false"},
      {"- {reply: {}, match: {headers: [a]}}\n", "s.yaml:1:32: expected a mapping, found array"},
      {"- reply: {headers: {a b: c}}\n",
       "s.yaml:1:21: a header name of 3 bytes is not one: letters, digits and - only, as in "
       "\"X-Request-Id\""},
      {"- reply: {headers: {content-length: 3}}\n",
       "s.yaml:1:21: `Content-Length` is the server's own; to break the framing, use `faults`"},
      {"- reply: {faults: reset}\n", "s.yaml:1:19: `faults` is a list of at least one fault"},
      {"- reply: {faults: [rest]}\n", "s.yaml:1:20: unknown fault `rest`; did you mean `reset`?"},
      {"- reply: {faults: [{kind: rest}]}\n",
       "s.yaml:1:27: unknown fault `rest`; did you mean `reset`?"},
      {"- reply: {faults: [{after: 1}]}\n", "s.yaml:1:20: a fault needs its `kind`"},
      {"- reply: {faults: [{kind: reset, pause: 1ms}]}\n",
       "s.yaml:1:34: only `slow_drip` takes a `pause`"},
      {"- reply: {faults: [{kind: no_done, after: 1}]}\n",
       "s.yaml:1:36: `no_done` has no place: it takes no `after`"},
      {"- reply: {faults: [{kind: reset, text: a}]}\n", "s.yaml:1:34: `reset` takes no `text`"},
      {"- reply: {faults: [{kind: violate, message: a}]}\n",
       "s.yaml:1:36: the text of `violate` is its one `keyword`, or `text`"},
      {"- reply: {faults: [violate]}\n",
       "s.yaml:1:20: `violate` needs the `keyword` of the schema that is broken"},
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
