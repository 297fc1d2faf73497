#include "weir/text/answer_reader.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/json/reader.h"
#include "weir/text/answer_reader_testing.h"

namespace weir::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ReadAnswer Read(std::string_view family, std::string_view text,
                const AnswerReaderOptions& options = {}) {
  return ReadInSteps(*FindFamily(family), options, text, 0);
}

// A family, what it writes when it thinks, answers and calls, and what that is.
struct Written {
  std::string_view family;
  std::string_view text;
  std::string_view reasoning;
  std::string_view answer;
  int calls = 1;  // of f, with {"a":1}
};

std::string NameOf(const testing::TestParamInfo<Written>& info) {
  std::string name(info.param.family);
  std::ranges::replace_if(name, [](char c) { return c == '-'; }, '_');
  return name + std::to_string(info.index);
}

class EveryFamily : public testing::TestWithParam<Written> {};

TEST_P(EveryFamily, IsReadAndNoCutChangesThat) {
  const Written& written = GetParam();
  const Family* family = FindFamily(written.family);
  ASSERT_NE(family, nullptr);

  const ReadAnswer whole = ReadInSteps(*family, WithTools(), written.text, 0);

  EXPECT_EQ(whole.text, written.answer);
  EXPECT_EQ(whole.reasoning, written.reasoning);
  ASSERT_EQ(whole.calls.size(), static_cast<std::size_t>(written.calls));
  for (const model::ToolCall& call : whole.calls) {
    EXPECT_EQ(call.name, "f");
    const auto arguments = json::Read(call.arguments);
    ASSERT_TRUE(arguments);
    EXPECT_EQ(arguments->Find("a").AsInt64(), 1) << call.arguments;
  }
  EXPECT_EQ(ReadInSteps(*family, WithTools(), written.text, 1), whole);
  for (std::size_t cut = 1; cut < written.text.size(); ++cut) {
    EXPECT_EQ(ReadCutAt(*family, WithTools(), written.text, cut), whole) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Tagged, EveryFamily,
    testing::Values(
        Written{"think",
                "<think>hm</think>yes<tool_call>{\"name\": \"f\", \"arguments\": "
                "{\"a\": 1}}</tool_call>",
                "hm", "yes"},
        Written{"plain", "<think>hm</think><tool_call>", "", "<think>hm</think><tool_call>", 0},
        Written{"hermes",
                "yes\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n"
                "</tool_call>\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}",
                "", "yes\n", 2},
        Written{"qwen3",
                "hm</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n"
                "</tool_call>",
                "hm", ""},
        Written{"qwen3_coder",
                "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n"
                "</function>\n</tool_call>\n<function=f>\n<parameter=a>\n1\n"
                "</parameter>\n</function>\n</tool_call>",
                "", "", 2},
        Written{"qwen3_5",
                "hm\n<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n"
                "</function>\n</tool_call>",
                "hm\n", ""},
        Written{"step3p5",
                "hm\n\n</think>\n\nyes<tool_call>\n<function=f>\n<parameter=a>\n1\n"
                "</parameter>\n</function>\n</tool_call>",
                "hm\n", "\nyes"},
        Written{"glm45",
                "<think>hm</think>yes<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1"
                "</arg_value>\n</tool_call>",
                "hm", "yes"},
        Written{"ling",
                "hm</think>yes<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1"
                "</arg_value>\n</tool_call><|role_end|>",
                "hm", "yes"},
        Written{"ernie45",
                "hm</think><response>\nyes\n</response>\n<tool_call>{\"name\": \"f\", "
                "\"arguments\": {\"a\": 1}}</tool_call>",
                "hm", "yes\n"},
        Written{"seed_oss",
                "<seed:think>hm</seed:think>yes<seed:tool_call>\n<function=f>\n"
                "<parameter=a>1</parameter>\n</function>\n</seed:tool_call>",
                "hm", "yes"},
        Written{"longcat",
                "<longcat_think>hm</longcat_think>yes<longcat_tool_call>{\"name\": "
                "\"f\", \"arguments\": {\"a\": 1}}</longcat_tool_call>",
                "hm", "yes"},
        Written{"reka",
                "<think>hm</think><tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}"
                "</tool_call>",
                "hm", ""},
        Written{"reka_flash", "<reasoning>hm</reasoning>yes", "hm", "yes", 0},
        Written{"exaone_deep", "<thought>hm</thought>yes", "hm", "yes", 0},
        Written{"minicpm", "<function name=\"f\"><param name=\"a\">1</param></function>", "", ""}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Json, EveryFamily,
    testing::Values(
        Written{"mistral",
                "[THINK]hm[/THINK]yes[TOOL_CALLS]f[ARGS]{\"a\": 1}[TOOL_CALLS]f{\"a\": "
                "1}",
                "hm", "yes", 2},
        Written{"mistral", "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": 1}}]", "", ""},
        Written{"llama3_json", "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}", "",
                ""},
        Written{"llama3_json",
                " {\"name\": \"f\", \"parameters\": {\"a\": 1}}; {\"name\": \"f\", "
                "\"parameters\": {\"a\": 1}}<|eot_id|>",
                "", "", 2},
        Written{"llama4_pythonic", "<|python_start|>[f(a=1)]<|python_end|>", "", ""},
        Written{"pythonic", "[f(a=1), f(a=1)]", "", "", 2},
        Written{"granite",
                "Here is my thought process:hm Here is my response:yes<|tool_call|>"
                "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]",
                "hm ", "yes"},
        Written{"granite-20b-fc",
                "<function_call> {\"name\": \"f\", \"arguments\": {\"a\": 1}}"
                "<function_call> {\"name\": \"f\", \"arguments\": {\"a\": 1}}",
                "", "", 2},
        Written{"internlm",
                "yes<|action_start|><|plugin|>{\"name\": \"f\", \"parameters\": "
                "{\"a\": 1}}<|action_end|>",
                "", "yes"},
        Written{"jamba",
                "yes<tool_calls>[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]"
                "</tool_calls>",
                "", "yes"},
        Written{"hunyuan_a13b",
                "<think>\nhm\n</think>\n<answer>\nyes\n</answer><tool_calls>"
                "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]</tool_calls>",
                "hm", "yes"},
        Written{"hy_v3", "hm</think>yes", "hm", "yes", 0},
        Written{"apriel", "hm\n[BEGIN FINAL RESPONSE]\nyes\n[END FINAL RESPONSE]", "hm", "yes", 0},
        Written{"phi4_mini_json", "functools[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]", "",
                ""},
        Written{"xlam", "```json\n[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]\n```", "", ""},
        Written{"xlam", "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]", "", ""},
        Written{"toolcall", "<TOOLCALL>[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]</TOOLCALL>",
                "", ""},
        Written{"apertus",
                "<|inner_prefix|>hm<|inner_suffix|>yes<|tools_prefix|>[{\"f\": {\"a\": "
                "1}}]<|tools_suffix|>",
                "hm", "yes"},
        Written{"gigachat3",
                "yes<|message_sep|>\n\nfunction call<|role_sep|>\n{\"name\": \"f\", "
                "\"arguments\": {\"a\": 1}}",
                "", "yes"},
        Written{"cohere",
                "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>yes"
                "<|END_RESPONSE|><|START_ACTION|>[{\"tool_call_id\": \"0\", "
                "\"tool_name\": \"f\", \"parameters\": {\"a\": 1}}]<|END_ACTION|>",
                "hm", "yes"}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Marked, EveryFamily,
    testing::Values(
        Written{"deepseek_r1",
                "hm</think>yes<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function"
                "<｜tool▁sep｜>f\n```json\n{\"a\": 1}\n```<｜tool▁call▁end｜>"
                "<｜tool▁calls▁end｜>",
                "hm", "yes"},
        Written{"deepseek_v3",
                "yes<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\": "
                "1}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
                "", "yes"},
        Written{"deepseek_v32",
                "yes<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜"
                "parameter name=\"a\" string=\"false\">1</｜DSML｜parameter>\n"
                "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
                "", "yes"},
        Written{"kimi_k2",
                "hm</think>yes<|tool_calls_section_begin|><|tool_call_begin|>functions."
                "f:0<|tool_call_argument_begin|>{\"a\": 1}<|tool_call_end|>"
                "<|tool_calls_section_end|>",
                "hm", "yes"},
        Written{"kimi_k3",
                "hm<|close|>think<|sep|><|open|>response<|sep|>yes<|close|>response"
                "<|sep|><|open|>tools<|sep|><|open|>call tool=\"f\" index=\"1\"<|sep|>"
                "<|open|>argument key=\"a\" type=\"number\"<|sep|>1<|close|>argument"
                "<|sep|><|close|>call<|sep|><|close|>tools<|sep|>",
                "hm", "yes"},
        Written{"minimax_m2",
                "hm</think>yes<minimax:tool_call>\n<invoke name=\"f\">\n<parameter "
                "name=\"a\">1</parameter>\n</invoke>\n</minimax:tool_call>",
                "hm", "yes"},
        Written{"minimax_m3",
                "<mm:think>hm</mm:think>yes]<]minimax[>[<tool_call>\n]<]minimax[>["
                "<invoke name=\"f\">]<]minimax[>[<a>1]<]minimax[>[</a>]<]minimax[>["
                "</invoke>\n]<]minimax[>[</tool_call>",
                "hm", "yes"},
        Written{"step3",
                "hm</think>yes<｜tool_calls_begin｜><｜tool_call_begin｜>function<｜tool_sep｜>"
                "<steptml:invoke name=\"f\"><steptml:parameter name=\"a\">1"
                "</steptml:parameter></steptml:invoke><｜tool_call_end｜>"
                "<｜tool_calls_end｜>",
                "hm", "yes"},
        Written{"olmo3", "<think>hm</think>yes<function_calls>\nf(a=1)\nf(a=1)\n</function_calls>",
                "hm", "yes", 2},
        Written{"lfm2", "<think>hm</think>yes<|tool_call_start|>[f(a=1)]<|tool_call_end|>", "hm",
                "yes"},
        Written{"functiongemma",
                "<start_function_call>call:f{a:1,b:<escape>x<escape>}"
                "<end_function_call>",
                "", ""},
        Written{"gemma4",
                "<|channel>thought\nhm<channel|>yes<|tool_call>call:f{a:1,b:<|\"|>"
                "<tool_call|><|\"|>}<tool_call|>",
                "hm", "yes"},
        Written{"functionary_v31", "yes<function=f>{\"a\": 1}</function>", "", "yes"},
        Written{"harmony",
                "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>"
                "final<|message|>yes<|end|><|start|>assistant<|channel|>commentary "
                "to=functions.f <|constrain|>json<|message|>{\"a\": 1}<|call|>",
                "hm", "yes"},
        Written{"harmony", " to=functions.f<|channel|>commentary<|message|>{\"a\": 1}<|call|>", "",
                ""},
        Written{"muse",
                "<|start|>assistant to=self<|message|>hm<|eom|><|start|>assistant "
                "to=user<|message|>yes<|eom|><|start|>assistant to=f<|message|>"
                "<atem:function_calls>\n<atem:invoke name=\"f\">\n<atem:parameter "
                "name=\"a\">1</atem:parameter>\n</atem:invoke>\n</atem:function_calls>",
                "hm", "yes"},
        Written{"functionary_v32", "all\nyes>>>f\n{\"a\": 1}", "", "yes"}),
    NameOf);

struct Thoughts {
  std::string_view family;
  std::string_view prompt_tail;
  std::string_view text;
  std::string_view reasoning;
  std::string_view answer;
};

class ThoughtsOf : public testing::TestWithParam<Thoughts> {};

TEST_P(ThoughtsOf, BeginWhereThePromptAndTheMarksSay) {
  AnswerReaderOptions options;
  options.prompt_tail = GetParam().prompt_tail;
  const Family& family = *FindFamily(GetParam().family);
  for (const std::size_t step : {0, 1, 2}) {
    const ReadAnswer answer = ReadInSteps(family, options, GetParam().text, step);
    EXPECT_EQ(answer.reasoning, GetParam().reasoning);
    EXPECT_EQ(answer.text, GetParam().answer);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ThoughtsOf,
    testing::Values(
        // Nothing is known of the prompt.
        Thoughts{"qwen3", "", "hm", "hm", ""}, Thoughts{"qwen3", "", "hm</think>yes", "hm", "yes"},
        Thoughts{"qwen3", "", "\n<think>hm</think>yes", "\nhm", "yes"},
        Thoughts{"hermes", "", "yes", "", "yes"}, Thoughts{"hermes", "", "</think>yes", "", "yes"},
        Thoughts{"hermes", "", "\n<think>hm", "hm", ""},
        // The prompt has opened or closed them.
        Thoughts{"qwen3", "<think>\n", "hm</think>yes", "hm", "yes"},
        Thoughts{"hermes", "<think>\nI", " see</think>yes", "I see", "yes"},
        Thoughts{"qwen3", "<think>\n\n</think>\n\n", "yes", "", "yes"},
        Thoughts{"qwen3", "<|im_start|>assistant\n", "yes", "", "yes"},
        Thoughts{"qwen3", "<think>\n", "a <think> b</think>yes", "a <think> b", "yes"},
        // An answer that talks about the marks.
        Thoughts{"hermes", "", "use <think> and </think>", "", "use <think> and "},
        Thoughts{"qwen3", "<think></think>", "use </think> here", "", "use </think> here"},
        Thoughts{"qwen3", "", "<think>a</think>b</think>c", "a", "b</think>c"},
        Thoughts{"mistral", "", "[THINK]a[/THINK]use <think> and </think>", "a",
                 "use <think> and </think>"},
        // Marks that came twice, and those in other letters.
        Thoughts{"qwen3", "", "<think><think>a</think></think>b", "a", "b"},
        Thoughts{"hermes", "", "<think>a</think>\n</think>b", "a", "\nb"},
        Thoughts{"qwen3", "<think>\n\n</think>\n\n", "</think>yes", "", "yes"},
        Thoughts{"hermes", "", "<THINK>a</Think>b", "a", "b"},
        Thoughts{"hermes", "", "<thinking>a</thinking>b", "a", "b"},
        Thoughts{"qwen3", "<think>", "a</th", "a", ""},
        // Nearly marks.
        Thoughts{"hermes", "", "<thin", "", "<thin"},
        Thoughts{"hermes", "", "<tool_cal", "", "<tool_cal"},
        Thoughts{"qwen3", "<think>", "a</thin</think>b", "a</thin", "b"},
        Thoughts{"gemma4", "", "<|channel>thousand<channel|>yes", "thousand", "yes"},
        Thoughts{"gemma4", "", "a\n<|channel>hm<channel|>\nb<channel|>", "hm", "a\n\nb"},
        Thoughts{"gemma4", "", "<|channel><|channel>thought\n<channel|>yes", "", "yes"},
        // White space is kept but around calls.
        Thoughts{"hermes", "", "<think>\nhm\n</think>\n\nyes\n", "\nhm\n", "\n\nyes\n"},
        Thoughts{"hermes", "", "  ", "", "  "},
        // Without tools a call is text, and ends thoughts that do not end otherwise.
        Thoughts{"hermes", "", "<tool_call>{}</tool_call>", "", "<tool_call>{}</tool_call>"},
        Thoughts{"qwen3", "<think>", "hm<tool_call>{}</tool_call>", "hm",
                 "<tool_call>{}</tool_call>"},
        Thoughts{"qwen3", "<think>", "hm<tool_call>{}</tool_call></think>yes",
                 "hm<tool_call>{}</tool_call>", "yes"},
        // Channels.
        Thoughts{"harmony", "", "yes", "", "yes"},
        Thoughts{"harmony", "<|start|>assistant", "<|channel|>analysis<|message|>hm", "hm", ""},
        Thoughts{"harmony", "<|start|>assistant<|channel|>analysis<|message|>", "hm", "hm", ""},
        Thoughts{"harmony", "", "<|channel|>commentary to=assistant<|channel|>final<|message|>yes",
                 "", "yes"},
        Thoughts{"harmony", "", "<|channel|>commentary to=python<|message|>1+1", "", ""},
        Thoughts{"harmony", "<|start|>assistant", "Hi.", "", "Hi."},
        Thoughts{"harmony", "", "<|channel|>fin", "", ""}));

TEST(AnswerReaderTest, CertainTextFlowsAtOnce) {
  AnswerReader reader(*FindFamily("hermes"), WithTools());
  model::Delta delta;

  reader.Feed("Yes, a < b", delta);
  EXPECT_EQ(delta.text, "Yes, a < b");
  reader.Feed(" but <tool", delta);
  EXPECT_EQ(delta.text, "Yes, a < b but ");
  reader.Feed("s are", delta);
  EXPECT_EQ(delta.text, "Yes, a < b but <tools are");
}

TEST(AnswerReaderTest, ACallComesWithItsClosingMark) {
  AnswerReader reader(*FindFamily("hermes"), WithTools());
  model::Delta delta;

  reader.Feed("<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}", delta);
  EXPECT_THAT(delta.tool_calls, IsEmpty());
  reader.Feed("</tool_call>", delta);
  ASSERT_EQ(delta.tool_calls.size(), 1U);
  EXPECT_EQ(delta.tool_calls[0].index, 0);
}

TEST(AnswerReaderTest, ABodyThatIsNoCallStaysInTheTextAndIsNamed) {
  const ReadAnswer answer = Read("hermes", "a <tool_call>what?</tool_call> b", WithTools());

  EXPECT_EQ(answer.text, "a <tool_call>what?</tool_call> b");
  EXPECT_THAT(answer.repairs, ElementsAre(HasSubstr("left in the text")));
}

TEST(AnswerReaderTest, WithoutMarksOnlyAKnownToolIsCalled) {
  for (const std::string_view text : {R"({"name": "Rex", "age": 4})", R"([1, 2, 3])",
                                      R"([see the list])", "{", "[", "```json\n{}\n```"}) {
    for (const std::string_view family : {"llama3_json", "pythonic", "xlam", "llama4_pythonic"}) {
      const ReadAnswer answer = Read(family, text, WithTools());
      EXPECT_EQ(answer.text, text) << family;
      EXPECT_THAT(answer.calls, IsEmpty()) << family;
    }
  }
}

TEST(AnswerReaderTest, AClosingMarkInsideAStringClosesNothing) {
  const ReadAnswer json =
      Read("hermes",
           R"(<tool_call>{"name": "f", "arguments": {"b": "a \" </tool_call> c"}}</tool_call>)",
           WithTools());
  ASSERT_EQ(json.calls.size(), 1U);
  EXPECT_EQ(json.calls[0].arguments, R"({"b":"a \" </tool_call> c"})");

  const ReadAnswer pairs = Read("glm45",
                                "</think><tool_call>f<arg_key>b</arg_key><arg_value></think> "
                                "</tool_call> and <tool_call></arg_value></tool_call>yes",
                                WithTools());
  EXPECT_EQ(pairs.text, "yes");
}

TEST(AnswerReaderTest, ABrokenStringDoesNotSwallowTheNextCall) {
  const ReadAnswer answer =
      Read("hermes",
           "<tool_call>{\"name\": \"f\", \"arguments\": {\"b\": \"x}}</tool_call>\n"
           "<tool_call>{\"name\": \"g\", \"arguments\": {}}</tool_call>",
           WithTools());

  ASSERT_GE(answer.calls.size(), 1U);
  EXPECT_EQ(answer.calls.back().name, "g");
}

TEST(AnswerReaderTest, ACallInThoughtsCountsOnlyWhenTheyNeverClose) {
  const std::string call = R"(<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>)";

  const ReadAnswer thought = Read("qwen3", "maybe " + call + " hm</think>" + call, WithTools());
  EXPECT_EQ(thought.reasoning, "maybe " + call + " hm");
  EXPECT_EQ(thought.calls.size(), 1U);

  const ReadAnswer open = Read("qwen3", "so: " + call + call, WithTools());
  EXPECT_EQ(open.reasoning, "so: ");
  EXPECT_EQ(open.calls.size(), 2U);

  const ReadAnswer mention = Read("qwen3", "I could use <tool_call> or", WithTools());
  EXPECT_EQ(mention.reasoning, "I could use <tool_call> or");
  EXPECT_EQ(mention.text, "");
}

TEST(AnswerReaderTest, OptionsSwitchPartsOff) {
  AnswerReaderOptions options = WithTools();
  options.read_reasoning = false;
  options.read_calls = false;
  const std::string text = "<think>a</think><tool_call>{\"name\": \"f\"}</tool_call>";
  EXPECT_EQ(Read("qwen3", text, options).text, text);

  AnswerReaderOptions thinking_off;
  thinking_off.in_thoughts = false;
  EXPECT_EQ(Read("qwen3", "yes", thinking_off).text, "yes");
  AnswerReaderOptions thinking_on;
  thinking_on.in_thoughts = true;
  EXPECT_EQ(Read("hermes", "hm</think>yes", thinking_on).reasoning, "hm");
}

TEST(AnswerReaderTest, AnEndlessCallIsText) {
  AnswerReaderOptions options = WithTools();
  options.max_call_bytes = 100;
  const std::string text = "<tool_call>" + std::string(300, 'x') + "</tool_call>";
  const std::string thought = "<think>" + text + "</think>yes";

  const ReadAnswer whole = Read("hermes", text, options);
  EXPECT_EQ(whole.text, "<tool_call>" + std::string(300, 'x'));
  EXPECT_THAT(whole.repairs, ElementsAre(HasSubstr("too long")));
  EXPECT_EQ(Read("hermes", thought, options).text, "yes");
  for (std::size_t step = 1; step < 200; step += 7) {
    EXPECT_EQ(ReadInSteps(*FindFamily("hermes"), options, text, step), whole) << step;
  }
}

TEST(AnswerReader, OnlyPlainTextInTheFlowOfAnAnswerPasses) {
  AnswerReader reader(*FindFamily("hermes"), WithTools());
  EXPECT_FALSE(reader.Passes("It is")) << "white space before the first word may be none";
  model::Delta delta;
  reader.Feed("It is", delta);
  EXPECT_TRUE(reader.Passes(" warm."));
  EXPECT_TRUE(reader.Passes(""));
  EXPECT_FALSE(reader.Passes(" a <tool")) << "a mark may begin";
  reader.Feed(" a <tool", delta);
  EXPECT_FALSE(reader.Passes("box")) << "something is held back";
  reader.Feed("box", delta);
  EXPECT_TRUE(reader.Passes(" is red"));
  EXPECT_EQ(delta.text, "It is a <toolbox");
}

}  // namespace
}  // namespace weir::text
