#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/text/answer_reader_testing.h"

namespace weir::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// What a model of a family wrote wrongly, and what it meant.
struct DamagedAnswer {
  std::string_view family;
  std::string_view text;
  std::string_view reasoning;
  std::string_view answer;
  std::size_t calls = 1;  // of f, with {"a":1}
};

// Writes a call of f for every J.
std::string WithCalls(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == 'J') {
      out += R"({"name": "f", "arguments": {"a": 1}})";
    } else {
      out += c;
    }
  }
  return out;
}

TEST(AnswerDamageTest, IsReadAsItWasMeantAndNoCutChangesThat) {
  const DamagedAnswer cases[] = {
      // The opening mark was forgotten.
      {"hermes", "{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "", ""},
      {"hermes", "```json\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n```", "", ""},
      {"hermes", "```\n[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]\n```\n\nThat is all.", "",
       "\n\nThat is all."},
      {"mistral", "f{\"a\": 1}[TOOL_CALLS]f{\"a\": 1}", "", "", 2},
      {"mistral", "f[ARGS]{\"a\": 1}", "", ""},
      {"cohere", "[{\"tool_name\": \"f\", \"parameters\": {\"a\": 1}}]<|END_ACTION|>", "", ""},
      {"apertus", "[{\"f\": {\"a\": 1}}]<|tools_suffix|>", "", ""},
      {"deepseek_v3",
       "function<｜tool▁sep｜>f\n```json\n{\"a\": 1}\n```<｜tool▁call▁end｜>"
       "<｜tool▁calls▁end｜>",
       "", ""},
      {"deepseek_v3", "f<｜tool▁sep｜>{\"a\": 1}<｜tool▁call▁end｜>", "", ""},
      {"kimi_k2",
       "</think>functions.f:0<|tool_call_argument_begin|>{\"a\": 1}<|tool_call_end|>"
       "<|tool_calls_section_end|>",
       "", ""},
      {"deepseek_v32",
       "<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"false\">1"
       "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
       "", ""},
      {"minimax_m2", "</think><invoke name=\"f\"><parameter name=\"a\">1</parameter></invoke>", "",
       ""},
      {"minimax_m3",
       "]<]minimax[>[<invoke name=\"f\">]<]minimax[>[<a>1]<]minimax[>[</a>]<]minimax[>["
       "</invoke>\n]<]minimax[>[</tool_call>",
       "", ""},
      {"kimi_k3",
       "<|close|>think<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|><|open|>argument "
       "key=\"a\" type=\"number\"<|sep|>1<|close|>argument<|sep|><|close|>call<|sep|>"
       "<|close|>tools<|sep|>",
       "", ""},
      {"step3",
       "</think><steptml:invoke name=\"f\"><steptml:parameter name=\"a\">1"
       "</steptml:parameter></steptml:invoke><｜tool_call_end｜>",
       "", ""},
      {"seed_oss",
       "</seed:think><function=f>\n<parameter=a>1</parameter>\n</function>\n"
       "</seed:tool_call>",
       "", ""},
      {"glm45", "</think>f\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>", "", ""},
      {"functiongemma", "call:f{a:1}<end_function_call>", "", ""},
      // So was that of a call behind another.
      {"hermes", "<tool_call>J</tool_call>\nJ</tool_call>", "", "", 2},
      {"hermes", "J</tool_call>\nJ</tool_call>", "", "", 2},
      {"hermes", "<tool_call>J</tool_call>;\nJ", "", "", 2},
      {"hermes", "<tool_call>J</tool_call>\n```json\nJ\n```", "", "", 2},
      {"deepseek_v3",
       "<｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": 1}<｜tool▁call▁end｜>"
       "f<｜tool▁sep｜>{\"a\": 1}<｜tool▁call▁end｜>",
       "", "", 2},
      {"gemma4", "<|tool_call>call:f{a:1}<tool_call|>call:f{a:1}<tool_call|>", "", "", 2},
      {"glm45",
       "</think><tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>\n"
       "f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>",
       "", "", 2},
      {"glm45",
       "</think><tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value>\n"
       "f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>",
       "", "", 2},
      // And that of a call behind the mark around calls.
      {"kimi_k2",
       "</think>yes<|tool_calls_section_begin|>functions.f:0<|tool_call_argument_begin|>"
       "{\"a\": 1}<|tool_call_end|><|tool_calls_section_end|>",
       "", "yes"},
      {"deepseek_v3",
       "yes<｜tool▁calls▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"a\": 1}\n```"
       "<｜tool▁call▁end｜>",
       "", "yes"},
      {"deepseek_v3", "f{\"a\": 1}", "", ""},
      {"olmo3", "f(a=1)\n</function_calls>", "", ""},
      // Behind words, a fence that ends the answer or a closing mark shows a call.
      {"hermes", "yes\n\n```json\nJ\n```", "", "yes\n\n"},
      {"hermes", "yes\n```json\nJ\n```\n\n```json\nJ\n```\n", "", "yes\n", 2},
      {"hermes", "yes\n```\n{\n  \"name\": \"f\",\n  \"arguments\": {\"a\": 1}\n}\n```", "",
       "yes\n"},
      {"think", "yes\nJ\n</tool_call>", "", "yes\n"},
      {"kimi_k2",
       "</think>yes\nfunctions.f:0<|tool_call_argument_begin|>{\"a\": 1}<|tool_call_end|>", "",
       "yes\n"},
      {"gemma4", "yes\ncall:f{a:1}<tool_call|>", "", "yes\n"},
      {"glm45", "</think>yes\nf<arg_key>a</arg_key><arg_value>1</arg_value>\n</tool_call>", "",
       "yes\n"},
      {"llama3_json", "yes\n\n```json\nJ\n```\nDone.", "", "yes\n\n\nDone."},
      // The marks of another family.
      {"cohere", "yes<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", "",
       "yes"},
      {"hermes", "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": 1}}]", "", ""},
      {"gemma4", "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}", "", ""},
      {"jamba", "<function=f>{\"a\": 1}</function>", "", ""},
      {"hermes", "[f(a=1), f(a=1)]", "", "", 2},
      {"hermes", "yes<tools>\nJ\n</tools>", "", "yes"},
      {"llama3_json", "<function_call>J</function_call>", "", ""},
      {"hermes", "<tool_calls>[J]</tool_calls>", "", ""},
      {"hermes", "<TOOL_CALL>J</TOOL_CALL>", "", ""},
      {"qwen3_coder", "<Tool_Call><FUNCTION=f><PARAMETER=a>1</PARAMETER></FUNCTION></Tool_Call>",
       "", ""},
      // Words behind a call that no mark closes.
      {"glm45", "</think><tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value>\nDone.", "",
       "\nDone."},
      {"qwen3_coder", "<tool_call><function=f><parameter=a>1</parameter></function>\nDone.", "",
       "\nDone."},
      {"minimax_m2",
       "</think><minimax:tool_call><invoke name=\"f\"><parameter name=\"a\">1</parameter>"
       "</invoke>\nDone.",
       "", "\nDone."},
      {"minimax_m3",
       "]<]minimax[>[<tool_call>]<]minimax[>[<invoke name=\"f\">]<]minimax[>[<a>1]<]minimax[>[</a>"
       "]<]minimax[>[</invoke>\nDone.",
       "", "\nDone."},
      {"functionary_v31", "<function=f>{\"a\": 1}\nDone.", "", "Done."},
      {"gemma4", "<|tool_call>call:f{a:1}\nDone.", "", "Done."},
      // Words around calls without marks.
      {"llama3_json", "yes\n\n{\"name\": \"f\", \"parameters\": {\"a\": 1}}\n\nDone.", "",
       "yes\n\nDone."},
      {"xlam", "yes\n[{\"name\":\"f\",\"arguments\":{\"a\":1}}]", "", "yes\n"},
      {"llama3_json", "J\nand\nJ", "", "and\n", 2},
      {"pythonic", "yes\n[f(a=1)]\nDone.", "", "yes\nDone."},
      {"pythonic", "yes\n[f(a=1)]\nand\n[f(a=1)]", "", "yes\nand\n", 2},
      {"granite-20b-fc",
       "<function_call> {\"name\": \"f\", \"arguments\": {\"a\": 1}}\nand\n"
       "<function_call> {\"name\": \"f\", \"arguments\": {\"a\": 1}}",
       "", "and\n", 2},
      // Marks that came twice, or where another belongs.
      {"hermes",
       "<tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n"
       "</tool_call>\n</tool_call>",
       "", ""},
      {"hermes", "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n<tool_call>", "", ""},
      {"kimi_k2",
       "</think><|tool_call_begin|>f{\"a\": 1}<|tool_call_begin|><|tool_calls_section_end|>", "",
       ""},
      {"deepseek_v32",
       "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\">1"
       "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>\n"
       "</｜DSML｜function_calls>",
       "", ""},
      // The text was cut.
      {"internlm",
       "<|action_start|><|plugin|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}"
       "<|action_end|>\n<|action_start|><|plu",
       "", ""},
      {"olmo3", "<function_calls>\nf(a=1)\nget_w", "", ""},
      {"hermes", "yes<tool_call>\n", "", "yes", 0},
      {"hermes", "yes<tool_call>\n{\"na", "", "yes", 0},
      {"hermes", "yes<tool_c", "", "yes", 0},
      {"glm45", "</think>yes<tool_call>f\n<arg_k", "", "yes", 0},
      {"mistral", "yes[TOOL_CALLS]f[AR", "", "yes", 0},
      {"qwen3_coder", "yes<tool_call>\n<func", "", "yes", 0},
      {"qwen3", "<think>hm</th", "hm", "", 0},
      {"deepseek_r1",
       "hm<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": 1}"
       "<｜tool▁call▁end｜>",
       "hm", ""},
      // A message that nothing opens.
      {"harmony",
       " to=functions.f<|channel|>commentary <|constrain|>json<|message|>{\"a\": 1}<|call|>"
       " to=functions.f<|channel|>commentary <|constrain|>json<|message|>{\"a\": 1}<|call|>",
       "", "", 2},
      {"harmony", " to=functions.f<|channel|>commentary<|message|>{\"a\": 1}<|call|> to go", "",
       " to go"},
      {"harmony",
       "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\": 1}<|call|>"
       "commentary to=functions.f <|constrain|>json<|message|>{\"a\": 1}<|call|>",
       "", "", 2},
      {"harmony", "<|channel|>commentary to=functions.f <|constrain|>json{\"a\": 1}<|call|>", "",
       ""},
      {"harmony", "<|channel|>analysis<|message|>hm<|end|><|start|>assistantyes.", "hm", "yes.", 0},
      // What stands around calls.
      {"hermes",
       "```\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n```", "", ""},
      {"hermes",
       "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>;\n<tool_call>"
       "{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>,",
       "", "", 2},
      // A string that quotes marks.
      {"hermes",
       "<tool_call>{'name': 'f', 'arguments': {'a': 1, 'b': 'see </tool_call> here'}}</tool_call>",
       "", ""},
      {"hermes", "<tool_call>{'name': 'f', 'arguments': {'a': 1, 'b': 'see}}</tool_call>yes", "",
       "yes"},
      {"phi4_mini_json",
       "functools[{\"name\": \"f\", \"arguments\": {\"a\": 1, \"b\": \"functools[\"}}]", "", ""},
      {"gigachat3",
       "<|function_call|>{\"name\": \"f\", \"arguments\": {\"a\": 1, \"b\": "
       "\"<|function_call|>\"}}",
       "", ""}};
  for (const DamagedAnswer& one : cases) {
    const std::string text = WithCalls(one.text);
    SCOPED_TRACE(text);
    const Family& family = *FindFamily(one.family);
    const ReadAnswer whole = ReadInSteps(family, WithTools(), text, 0);

    EXPECT_EQ(whole.text, one.answer);
    EXPECT_EQ(whole.reasoning, one.reasoning);
    EXPECT_EQ(whole.calls.size(), one.calls);
    for (const model::ToolCall& call : whole.calls) {
      EXPECT_EQ(call.name, "f");
      EXPECT_TRUE(call.arguments.starts_with(R"({"a":1)")) << call.arguments;
    }
    EXPECT_EQ(ReadInSteps(family, WithTools(), text, 1), whole);
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      EXPECT_EQ(ReadCutAt(family, WithTools(), text, cut), whole) << cut;
    }
  }
}

TEST(AnswerDamageTest, ProseIsNoCallInAnyFamily) {
  const std::string_view texts[] = {
      "f and g are what I can call.",
      "f(x) is a call",
      "[f, g]",
      "[f]: http://localhost",
      "[1] f\n[2] g",
      R"({"f": null, "b": 1})",
      R"({"f": {"c": 1}})",
      R"({"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}})",
      "So:\n{\"name\": \"f\", \"parameters\": {\"type\": \"object\", \"properties\": {}}}",
      "call:f or not",
      "functions.f is one",
      "f{...} is one",
      "```json\n{\"a\": 1}\n```\nThat is it.",
      "```python\n[x for x in f]\n```",
      "```",
      "a, b; c",
      "Write <function=name> to call.",
      "Write <function=f> to call.",
      "<tools> and <function_call> are marks",
  };
  for (const Family& family : Families()) {
    if (family.channels) continue;  // a header comes first
    AnswerReaderOptions options = WithTools();
    options.in_thoughts = false;
    for (const std::string_view text : texts) {
      for (const std::size_t step : {0, 1, 3}) {
        const ReadAnswer answer = ReadInSteps(family, options, text, step);
        EXPECT_EQ(answer.text, text) << family.name << " " << step;
        EXPECT_THAT(answer.calls, IsEmpty()) << family.name << " " << text;
      }
    }
  }
}

TEST(AnswerDamageTest, AnExampleInAnAnswerIsNoCall) {
  const std::string_view texts[] = {
      "So:\n```json\nJ\n```\nis how to call.",
      "So:\n```json\nJ\n```\nor\n```json\nJ\n```\nis how to call.",
      "So:\n```json\n{\"name\": \"f\",\n",
      "So:\nJ\nis how to call.",
      "So:\nJ",
  };
  for (const std::string_view family : {"hermes", "think", "qwen3_coder", "mistral", "gemma4"}) {
    for (const std::string_view with_j : texts) {
      const std::string text = WithCalls(with_j);
      for (const std::size_t step : {0, 1, 3}) {
        const ReadAnswer answer = ReadInSteps(*FindFamily(family), WithTools(), text, step);
        EXPECT_EQ(answer.text, text) << family << " " << step;
        EXPECT_THAT(answer.calls, IsEmpty()) << family;
      }
    }
  }
}

TEST(AnswerDamageTest, WhatNamesNoToolIsNotHeldBackForLong) {
  const std::string json = "{\"k\": \"" + std::string(3000, 'v');
  AnswerReader reader(*FindFamily("hermes"), {.tools = {{.name = "get_weather"}}});
  model::Delta delta;
  reader.Feed(json, delta);
  EXPECT_EQ(delta.text, json);
}

// A square of this would not end at all.
TEST(AnswerDamageTest, CallsWithWordsBetweenThemAreReadInLinearTime) {
  for (const auto& [family, part] : std::initializer_list<std::pair<std::string_view, std::string>>{
           {"pythonic", "[f(a=1)]\nyes\n"},
           {"llama3_json", "{\"name\": \"f\", \"parameters\": {}}\nyes\n"},
           {"hermes", "<tool_call>{\"name\": \"g\"}</tool_call>yes<function=g>no"},
           {"hermes", "<tool_call>"},
           {"mistral", "<tool_call>[TOOL_CALLS]<function="},
           {"hermes", "{\"name\": \"f\", \"arguments\": {}}\nyes\n"},
           {"hermes", "```json\n{\"name\": \"f\", \"arguments\": {}}\n```\nyes\n"},
           {"hermes", "```json\n{\"name\": \"f\"\n"},
           {"hermes", "<tool_call>{'f</tool_call></tool_call>"},
           {"hermes", "<tools>{"},
           {"glm45", "f<arg_key>a</arg_key><arg_value>1</arg_value>\nyes\n"},
           {"harmony", "<|start|>assistant to=functions.f {"},
           {"hermes", "```\n"}}) {
    std::string text = "yes\n";
    while (text.size() < 400'000) text += part;
    (void)ReadInSteps(*FindFamily(family), WithTools(), text, 0);
  }
}

TEST(AnswerDamageTest, ACallThatWasCutInItsNameIsLeftOutAndNamed) {
  AnswerReaderOptions options;
  options.tools = {{.name = "get_weather"}};
  options.in_thoughts = false;
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"hermes", "yes\n<tool_call>\n{\"name\": \"get_w"},
      {"qwen3_coder", "yes\n<tool_call>\n<function=get_w"},
      {"glm45", "yes\n<tool_call>get_w"},
      {"kimi_k2", "yes\n<|tool_call_begin|>functions.get_w"},
      {"gemma4", "yes\n<|tool_call>call:get_w"},
      {"lfm2", "yes\n<|tool_call_start|>[get_w"}};
  for (const auto& [family, text] : cases) {
    const ReadAnswer answer = ReadInSteps(*FindFamily(family), options, text, 0);
    EXPECT_EQ(answer.text, "yes\n") << family;
    EXPECT_THAT(answer.calls, IsEmpty()) << family;
    EXPECT_THAT(answer.repairs, ElementsAre(HasSubstr("had cut"))) << family;
  }
}

TEST(AnswerDamageTest, AMarkThatWasCutIsNamed) {
  for (const std::string_view text : {"yes<tool_call>\n{\"na", "yes<tool_c"}) {
    EXPECT_THAT(ReadInSteps(*FindFamily("hermes"), WithTools(), text, 0).repairs,
                ElementsAre(HasSubstr("had cut")));
  }
  EXPECT_EQ(ReadInSteps(*FindFamily("hermes"), WithTools(), "a <b", 0).text, "a <b");
}

TEST(AnswerDamageTest, WordsBehindACallInAHeaderAreNoAnswer) {
  const AnswerReaderOptions options{.tools = {{.name = "g"}}};
  for (const std::size_t step : {0, 1, 3}) {
    const ReadAnswer read = ReadInSteps(*FindFamily("functionary_v32"), options, "[g(]Kx\n", step);
    EXPECT_EQ(read.calls.size(), 1U) << step;
    EXPECT_EQ(read.text, "") << step;
  }
}

TEST(AnswerDamageTest, FormsOfOneFamilyAreNoRepairs) {
  EXPECT_THAT(
      ReadInSteps(*FindFamily("mistral"), WithTools(), "[TOOL_CALLS]f{\"a\": 1}", 0).repairs,
      IsEmpty());
  EXPECT_THAT(
      ReadInSteps(*FindFamily("mistral"), WithTools(), "[TOOL_CALLS]f[ARGS]{\"a\": 1}", 0).repairs,
      IsEmpty());
}

}  // namespace
}  // namespace weir::text
