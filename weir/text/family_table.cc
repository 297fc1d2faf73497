#include "weir/text/family_table.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <utility>

namespace weir::text {
namespace {

using enum CallForm;
using Goes = Channels::Goes;

using Words = std::initializer_list<const char*>;

std::vector<std::string> Marks(Words words) { return {words.begin(), words.end()}; }

const Shield kJsonString{.open = "\"", .close = "\"", .escapes = true};
const Shield kPythonString{.open = "'", .close = "'", .escapes = true};
const Shield kGemmaString{.open = "<|\"|>", .close = "<|\"|>"};
const Shield kEscapeString{.open = "<escape>", .close = "<escape>"};
const Shield kArgValue{.open = "<arg_value>", .close = "</arg_value>"};
const Shield kParameter{.open = "<parameter=", .close = "</parameter>"};
const Shield kNamedParameter{.open = "<parameter name=", .close = "</parameter>"};

ThoughtMarks Think() {
  return {.open = Marks({"<think>", "<thinking>"}), .close = Marks({"</think>", "</thinking>"})};
}

ThoughtMarks Special(std::string open, std::string close) {
  return {.open = {std::move(open)}, .close = {std::move(close)}, .where = Where::kAnywhere};
}

CallMarks Json(std::string open, std::string close) {
  CallMarks marks{.open = {std::move(open)}, .forms = {kJson}, .shields = {kJsonString}};
  if (!close.empty()) marks.close.push_back(std::move(close));
  return marks;
}

// <tool_call> is what most families write, each with a body of its own, and every model that was
// trained on the others' texts sometimes takes theirs: all forms are tried, the own one first.
CallMarks ToolCall(CallForm own) {
  CallMarks marks{.open = Marks({"<tool_call>"}), .close = Marks({"</tool_call>"}), .forms = {own}};
  for (const CallForm form : {kJson, kFunctionTags, kArgPairs, kInvokeTags}) {
    if (form != own) marks.forms.push_back(form);
  }
  marks.shields = {kJsonString, kArgValue, kParameter};
  return marks;
}

// What models write that were shown other names for it.
CallMarks OtherTags() {
  CallMarks marks = ToolCall(kJson);
  marks.open = Marks({"<tools>", "<function_call>", "<tool_calls>"});
  marks.close = Marks({"</tools>", "</function_call>", "</tool_calls>"});
  return marks;
}

// The opening <tool_call> is often forgotten.
CallMarks BareFunction() {
  return {.open = Marks({"<function="}),
          .close = Marks({"</function>"}),
          .forms = {kFunctionTags},
          .shields = {kParameter},
          .keep_marks = true,
          .known_tools = true};
}

// A call without any mark: the answer, or for kLine a line of it, begins like one.
CallMarks Bare(Words open, std::initializer_list<CallForm> forms, Where where = Where::kStart) {
  return {.open = Marks(open),
          .forms = forms,
          .shields = {kJsonString, kPythonString},
          .where = where,
          .keep_marks = true,
          .known_tools = true};
}

CallMarks BarePython() { return Bare({"[", "```python\n["}, {kPython, kJson}); }

CallMarks LineOfPython() { return Bare({"[$("}, {kPython}, Where::kLine); }

CallMarks LineOfJson() {
  return Bare({R"({"name": "$")", R"({"name":"$")", R"([{"name": "$")", R"([{"name":"$")"}, {kJson},
              Where::kLine);
}

// Where it begins the answer, in any writing.
CallMarks StartOfAnything() {
  CallMarks marks = Bare({"{", "[{", "["}, {kJson, kPython});
  for (const std::string& line : LineOfJson().open) marks.open.push_back(line);
  return marks;
}

// The same in a fence. Behind words it is a call where the answer ends with it, for a model that
// calls waits, and one that explains goes on.
CallMarks Fenced(Where where, Needs needs) {
  CallMarks marks =
      Bare({"```json\n{", "```json\n[", "```\n{", "```\n[{"}, {kJson, kPython}, where);
  marks.close = Marks({"\n```"});
  marks.needs = needs;
  return marks;
}

// Lines that only the closing mark of a call shows to be one: JSON, and what names a tool in the
// family's own way.
std::vector<CallMarks> ClosedLines(const Family& family) {
  std::vector<std::string> close = Marks({"</tool_call>"});
  for (const CallMarks& own : family.calls) {
    if (own.where != Where::kAnywhere) continue;
    for (const std::string& mark : own.close) {
      if (std::ranges::find(close, mark) == close.end()) close.push_back(mark);
    }
  }
  std::vector<CallMarks> lines = {LineOfJson()};
  for (const CallMarks& own : family.calls) {
    const bool names_tool =
        std::ranges::all_of(own.open, [](const std::string& mark) { return mark.contains('$'); });
    if (own.where == Where::kStart && own.known_tools && names_tool) lines.push_back(own);
  }
  for (CallMarks& line : lines) {
    line.where = Where::kLine;
    line.close = close;
    line.shields = {kJsonString};
    if (line.forms.front() == kBraces) line.shields = {kGemmaString, kEscapeString};
    if (line.forms.front() == kArgPairs) line.shields = {kArgValue};
    line.needs = Needs::kClose;
  }
  return lines;
}

// Tags that name a tool, without the marks around them.
CallMarks BareTags(std::string open, std::string close, Shield value) {
  return {.open = {std::move(open)},
          .close = {std::move(close)},
          .forms = {kInvokeTags},
          .shields = {std::move(value)},
          .keep_marks = true,
          .known_tools = true};
}

CallMarks Mistral() {
  return {.open = Marks({"[TOOL_CALLS]"}), .forms = {kJson, kNamedJson}, .shields = {kJsonString}};
}

CallMarks Invokes(const std::string& tag, const std::string& prefix) {
  return {.open = {"<" + tag + ">"},
          .close = {"</" + tag + ">"},
          .forms = {kInvokeTags},
          .shields = {
              {.open = "<" + prefix + "parameter name=", .close = "</" + prefix + "parameter>"}}};
}

CallMarks BareInvokes(const std::string& prefix) {
  return BareTags(
      "<" + prefix + "invoke name=", "</" + prefix + "invoke>",
      {.open = "<" + prefix + "parameter name=", .close = "</" + prefix + "parameter>"});
}

// Every model has read how others call, and now and then calls like them.
void AddForeignCalls(Family& family) {
  if (family.calls.empty()) return;
  const auto is_own = [&family](const std::string& mark, Where where) {
    return std::ranges::any_of(family.calls, [&](const CallMarks& own) {
      return std::ranges::any_of(own.open, [&](const std::string& open) {
        return own.where == Where::kAnywhere ? mark.starts_with(open)
                                             : own.where == where && mark == open;
      });
    });
  };
  std::vector<CallMarks> foreign = {ToolCall(kJson),
                                    Mistral(),
                                    Json("<|python_tag|>", ""),
                                    BareFunction(),
                                    OtherTags(),
                                    StartOfAnything(),
                                    Fenced(Where::kStart, Needs::kNothing),
                                    Fenced(Where::kLine, Needs::kEnd)};
  std::ranges::move(ClosedLines(family), std::back_inserter(foreign));
  for (CallMarks& marks : foreign) {
    marks.known_tools = true;
    std::erase_if(marks.open, [&](const std::string& mark) { return is_own(mark, marks.where); });
    if (!marks.open.empty()) family.calls.push_back(std::move(marks));
  }
}

std::vector<Family> TaggedFamilies() {
  const CallMarks json = ToolCall(kJson);
  const CallMarks tags = ToolCall(kFunctionTags);
  const CallMarks pairs = ToolCall(kArgPairs);
  const CallMarks bare_pairs =
      Bare({"$\n<arg_key>", "$<arg_key>", "$\n</tool_call>", "$</tool_call>"}, {kArgPairs});
  const std::vector<std::string> stray = Marks({"</tool_call>"});
  return {
      {.name = "hermes",
       .aliases = Marks({"qwen25", "granite4"}),
       .thoughts = Think(),
       .calls = {json},
       .call_wrappers = stray},
      {.name = "qwen3",
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {json},
       .call_wrappers = stray},
      {.name = "qwen3_coder",
       .aliases = Marks({"qwen3_xml"}),
       .thoughts = Think(),
       .calls = {tags, BareFunction()},
       .call_wrappers = stray},
      {.name = "qwen3_5",
       .aliases = Marks({"nemotron_v3", "mimo"}),
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {tags, BareFunction()},
       .call_wrappers = stray},
      {.name = "step3p5",
       .thoughts = {.open = Marks({"<think>"}),
                    .close = Marks({"</think>", "\n</think>", "</think>\n", "\n</think>\n"})},
       .starts_in_thoughts = true,
       .calls = {tags, BareFunction()},
       .call_wrappers = stray},
      {.name = "glm45",
       .aliases = Marks({"glm47", "spark"}),
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {pairs, bare_pairs},
       .call_wrappers = stray},
      {.name = "ling",
       .aliases = Marks({"ling3"}),
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {pairs, bare_pairs},
       .wrappers = Marks({"<|role_end|>"}),
       .call_wrappers = stray},
      {.name = "ernie45",
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {json},
       .wrappers = Marks({"<response>", "</response>", "<response>\n", "\n</response>"}),
       .call_wrappers = stray},
      {.name = "seed_oss",
       .thoughts = {.open = Marks({"<seed:think>"}), .close = Marks({"</seed:think>"})},
       .starts_in_thoughts = true,
       .calls = {{.open = Marks({"<seed:tool_call>"}),
                  .close = Marks({"</seed:tool_call>"}),
                  .forms = {kFunctionTags},
                  .shields = {kParameter}},
                 BareFunction()},
       .call_wrappers = Marks({"</seed:tool_call>"})},
      {.name = "longcat",
       .thoughts = {.open = Marks({"<longcat_think>", "<think>"}),
                    .close = Marks({"</longcat_think>", "</think>"})},
       .calls = {Json("<longcat_tool_call>", "</longcat_tool_call>")},
       .call_wrappers = Marks({"</longcat_tool_call>"})},
      {.name = "reka", .thoughts = Think(), .calls = {json}, .call_wrappers = stray},
      {.name = "reka_flash",
       .thoughts = {.open = Marks({"<reasoning>"}), .close = Marks({"</reasoning>"})},
       .calls = {json},
       .call_wrappers = stray},
      {.name = "exaone_deep",
       .thoughts = {.open = Marks({"<thought>"}), .close = Marks({"</thought>"})},
       .starts_in_thoughts = true},
      {.name = "minicpm",
       .thoughts = Think(),
       .calls = {{.open = Marks({"<function name="}),
                  .close = Marks({"</function>"}),
                  .forms = {kInvokeTags, kFunctionTags},
                  .shields = {{.open = "<param name=", .close = "</param>"}, kNamedParameter},
                  .keep_marks = true}}},
  };
}

std::vector<Family> JsonFamilies() {
  const ThoughtMarks granite = {
      .open = Marks({"Here is my thought process:", "Here's my thought process:"}),
      .close = Marks({"Here is my response:", "Here's my response:"})};
  const std::vector<std::string> stray = Marks({"</tool_call>"});
  return {
      // Up to version 11 of its tokenizer, thoughts stand between marks that are plain text.
      {.name = "mistral",
       .thoughts = {.open = Marks({"[THINK]", "<think>"}),
                    .close = Marks({"[/THINK]", "</think>"}),
                    .where = Where::kAnywhere,
                    .plain = Marks({"<think>", "</think>"})},
       .calls = {Mistral(), Bare({"${\"", "${}", "$[ARGS]", "$[CALL_ID]"}, {kNamedJson})}},
      {.name = "llama3_json",
       .aliases = Marks({"llama4_json"}),
       .calls = {Json("<|python_tag|>", ""), BarePython(), LineOfJson(),
                 Fenced(Where::kLine, Needs::kNothing)},
       .wrappers = Marks({"<|eom_id|>", "<|eot_id|>"})},
      {.name = "llama4_pythonic",
       .calls = {{.open = Marks({"<|python_start|>"}),
                  .close = Marks({"<|python_end|>"}),
                  .forms = {kPython, kJson},
                  .shields = {kJsonString, kPythonString}},
                 BarePython(),
                 LineOfPython()},
       .call_wrappers = Marks({"<|python_end|>"})},
      {.name = "pythonic", .aliases = Marks({"toolace"}), .calls = {BarePython(), LineOfPython()}},
      {.name = "granite",
       .thoughts = granite,
       .calls = {Json("<|tool_call|>", ""), ToolCall(kJson)},
       .call_wrappers = stray},
      {.name = "granite-20b-fc",
       .calls = {Json("<function_call>", "")},
       .call_wrappers = Marks({"</function_call>"})},
      {.name = "internlm",
       .aliases = Marks({"internlm2", "intern-s1"}),
       .thoughts = Think(),
       .calls = {{.open = Marks({"<|action_start|><|plugin|>", "<|action_start|> <|plugin|>",
                                 "<|action_start|>"}),
                  .close = Marks({"<|action_end|>"}),
                  .forms = {kJson},
                  .shields = {kJsonString}}},
       .call_wrappers = Marks({"<|action_end|>"})},
      {.name = "jamba",
       .calls = {Json("<tool_calls>", "</tool_calls>")},
       .call_wrappers = Marks({"</tool_calls>"})},
      {.name = "hunyuan_a13b",
       .aliases = Marks({"hunyuan"}),
       .thoughts = {.open = Marks({"<think>", "<think>\n"}),
                    .close = Marks({"</think>", "\n</think>", "\n</think>\n"})},
       .calls = {Json("<tool_calls>", "</tool_calls>")},
       .wrappers = Marks({"<answer>", "<answer>\n", "</answer>", "\n</answer>"}),
       .call_wrappers = Marks({"</tool_calls>"})},
      // Each token of HY v3 may carry a suffix of its own build.
      {.name = "hy_v3",
       .thoughts = {.open = Marks({"<think>", "<think:opensource>"}),
                    .close = Marks({"</think>", "</think:opensource>"})},
       .starts_in_thoughts = true,
       .calls = {ToolCall(kArgPairs)},
       .call_wrappers = stray},
      {.name = "apriel",
       .thoughts = {.open = Marks({"<|begin_assistant|>\n"}),
                    .close = Marks({"[BEGIN FINAL RESPONSE]", "\n[BEGIN FINAL RESPONSE]",
                                    "\n[BEGIN FINAL RESPONSE]\n", "[BEGIN FINAL RESPONSE]\n"})},
       .starts_in_thoughts = true,
       .calls = {Json("<tool_calls>", "</tool_calls>")},
       .wrappers = Marks({"[END FINAL RESPONSE]", "\n[END FINAL RESPONSE]", "<|end|>"}),
       .call_wrappers = Marks({"</tool_calls>"})},
      {.name = "phi4_mini_json",
       .aliases = Marks({"phi4"}),
       .thoughts = Think(),
       .calls = {Json("functools", ""), Json("<|tool_call|>", "<|/tool_call|>")},
       .call_wrappers = Marks({"<|/tool_call|>"})},
      {.name = "xlam",
       .thoughts = Think(),
       .calls = {Mistral(),
                 ToolCall(kJson),
                 {.open = Marks({"```json", "```"}),
                  .close = Marks({"\n```"}),
                  .forms = {kJson},
                  .shields = {kJsonString, kPythonString},
                  .known_tools = true},
                 LineOfJson()},
       .call_wrappers = stray},
      {.name = "toolcall",
       .aliases = Marks({"nemotron_json"}),
       .thoughts = Think(),
       .calls = {Json("<TOOLCALL>", "</TOOLCALL>")},
       .call_wrappers = Marks({"</TOOLCALL>"})},
      {.name = "apertus",
       .thoughts = Special("<|inner_prefix|>", "<|inner_suffix|>"),
       .calls = {{.open = Marks({"<|tools_prefix|>"}),
                  .close = Marks({"<|tools_suffix|>"}),
                  .forms = {kKeyedJson},
                  .shields = {kJsonString}}},
       .call_wrappers = Marks({"<|tools_suffix|>"})},
      {.name = "gigachat3",
       .aliases = Marks({"gigachat"}),
       .calls = {{.open = Marks({"<|function_call|>", "function call<|role_sep|>\n",
                                 "<|message_sep|>\n\nfunction call<|role_sep|>\n"}),
                  .forms = {kJson},
                  .shields = {kJsonString}}},
       .wrappers = Marks({"<|message_sep|>"})},
      {.name = "cohere",
       .aliases = Marks({"cohere_command", "cohere_command3", "command_a"}),
       .thoughts = {.open = Marks({"<|START_THINKING|>"}),
                    .close = Marks({"<|END_THINKING|>", "<|START_RESPONSE|>", "<|START_TEXT|>"}),
                    .where = Where::kAnywhere},
       .calls = {Json("<|START_ACTION|>", "<|END_ACTION|>")},
       .wrappers = Marks({"<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>",
                          "<|END_TEXT|>", "<|END_OF_TURN_TOKEN|>"}),
       .call_wrappers = Marks({"<|END_ACTION|>"})},
  };
}

// The bars are full-width, the blanks are U+2581; older models and templates write plain ones.
Family DeepSeek(std::string name, std::vector<std::string> aliases, bool starts_in_thoughts) {
  CallMarks call{
      .open = Marks({"<｜tool▁call▁begin｜>", "<｜tool▁call▁begin｜>function<｜tool▁sep｜>"}),
      .close = Marks({"<｜tool▁call▁end｜>"}),
      .forms = {kNamedJson},
      .shields = {kJsonString}};
  return {
      .name = std::move(name),
      .aliases = std::move(aliases),
      .thoughts = Think(),
      .starts_in_thoughts = starts_in_thoughts,
      .calls = {std::move(call),
                Bare({"function<｜tool▁sep｜>$", "$<｜tool▁sep｜>", "${\"", "${}"}, {kNamedJson})},
      .call_wrappers =
          Marks({"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁end｜>",
                 "<｜tool_calls_begin｜>", "<｜tool calls begin｜>", "<｜tool\\_calls\\_begin｜>",
                 "<｜tool▁calls｜>"})};
}

std::vector<Family> MarkedFamilies() {
  CallMarks kimi{.open = Marks({"<|tool_call_begin|>"}),
                 .close = Marks({"<|tool_call_end|>", "<|tool_calls_section_end|>"}),
                 .forms = {kNamedJson},
                 .shields = {kJsonString}};
  CallMarks functionary = BareFunction();
  functionary.known_tools = false;
  CallMarks bare_olmo = Bare({"$("}, {kPython});
  bare_olmo.close = Marks({"</function_calls>"});
  bare_olmo.needs = Needs::kClose;
  const Shield k3_value{.open = "<|open|>argument", .close = "<|close|>argument<|sep|>"};
  return {
      DeepSeek("deepseek_r1", {}, true),
      DeepSeek("deepseek_v3", {"deepseek_v31", "holo2"}, false),
      {.name = "deepseek_v32",
       .aliases = Marks({"deepseek_v4"}),
       .thoughts = Think(),
       .calls = {Invokes("｜DSML｜function_calls", "｜DSML｜"),
                 Invokes("｜DSML｜tool_calls", "｜DSML｜"), BareInvokes("｜DSML｜")},
       .call_wrappers = Marks({"</｜DSML｜function_calls>", "</｜DSML｜tool_calls>"})},
      {.name = "kimi_k2",
       .aliases = Marks({"kimi_k25", "kimi"}),
       .thoughts = {.open = Marks({"<think>", "◁think▷"}),
                    .close = Marks({"</think>", "◁/think▷"})},
       .starts_in_thoughts = true,
       .calls = {std::move(kimi), Bare({"functions.$:"}, {kNamedJson})},
       .call_wrappers = Marks(
           {"<|tool_calls_section_begin|>", "<|tool_calls_section_end|>", "<|tool_call_end|>"})},
      {.name = "kimi_k3",
       .thoughts = {.open = Marks({"<|open|>think<|sep|>"}),
                    .close = Marks({"<|close|>think<|sep|>", "<|open|>response<|sep|>"}),
                    .where = Where::kAnywhere},
       .starts_in_thoughts = true,
       .calls = {{.open = Marks({"<|open|>tools<|sep|>"}),
                  .close = Marks({"<|close|>tools<|sep|>"}),
                  .forms = {kInvokeTags},
                  .shields = {k3_value}},
                 BareTags("<|open|>call tool=", "<|close|>call<|sep|>", k3_value)},
       .wrappers = Marks(
           {"<|open|>response<|sep|>", "<|close|>response<|sep|>", "<|close|>message<|sep|>"}),
       .call_wrappers = Marks({"<|close|>tools<|sep|>"})},
      {.name = "minimax_m2",
       .aliases = Marks({"minimax"}),
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {Invokes("minimax:tool_call", ""), BareInvokes("")},
       .call_wrappers = Marks({"</minimax:tool_call>"})},
      {.name = "minimax_m3",
       .thoughts = {.open = Marks({"<mm:think>"}), .close = Marks({"</mm:think>"})},
       .calls = {{.open = Marks({"]<]minimax[>[<tool_call>"}),
                  .close = Marks({"]<]minimax[>[</tool_call>"}),
                  .forms = {kInvokeTags}},
                 BareTags("]<]minimax[>[<invoke name=", "]<]minimax[>[</invoke>", {})},
       .call_wrappers = Marks({"]<]minimax[>[</tool_call>"})},
      {.name = "step3",
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {{.open = Marks(
                      {"<｜tool_call_begin｜>", "<｜tool_call_begin｜>function<｜tool_sep｜>"}),
                  .close = Marks({"<｜tool_call_end｜>"}),
                  .forms = {kInvokeTags},
                  .shields = {{.open = "<steptml:parameter", .close = "</steptml:parameter>"}}},
                 BareInvokes("steptml:")},
       .call_wrappers =
           Marks({"<｜tool_calls_begin｜>", "<｜tool_calls_end｜>", "<｜tool_call_end｜>"})},
      {.name = "olmo3",
       .thoughts = Think(),
       .calls = {{.open = Marks({"<function_calls>"}),
                  .close = Marks({"</function_calls>"}),
                  .forms = {kPython},
                  .shields = {kJsonString, kPythonString}},
                 std::move(bare_olmo)},
       .call_wrappers = Marks({"</function_calls>"})},
      {.name = "lfm2",
       .thoughts = Think(),
       .calls = {{.open = Marks({"<|tool_call_start|>"}),
                  .close = Marks({"<|tool_call_end|>"}),
                  .forms = {kPython, kJson},
                  .shields = {kJsonString, kPythonString}}},
       .call_wrappers = Marks({"<|tool_call_end|>"})},
      {.name = "functiongemma",
       .calls = {{.open = Marks({"<start_function_call>"}),
                  .close = Marks({"<end_function_call>"}),
                  .forms = {kBraces},
                  .shields = {kEscapeString}},
                 Bare({"call:$"}, {kBraces})},
       .call_wrappers = Marks({"<end_function_call>"})},
      {.name = "gemma4",
       .thoughts = {.open = Marks({"<|channel>", "<|channel>thought\n"}),
                    .close = Marks({"<channel|>"}),
                    .where = Where::kAnywhere},
       .calls = {{.open = Marks({"<|tool_call>"}),
                  .close = Marks({"<tool_call|>"}),
                  .forms = {kBraces},
                  .shields = {kGemmaString}},
                 Bare({"call:$"}, {kBraces})},
       .wrappers = Marks({"<|channel>", "<|channel>thought\n", "<channel|>", "<turn|>"}),
       .call_wrappers = Marks({"<tool_call|>"})},
      {.name = "functionary_v31", .calls = {std::move(functionary)}},
  };
}

std::vector<Family> ChannelFamilies() {
  Channels harmony{.open = Marks({"<|start|>", "<|channel|>"}),
                   .message = "<|message|>",
                   .close = Marks({"<|end|>", "<|call|>", "<|return|>"}),
                   .routes = {{"analysis", Goes::kThoughts},
                              {"commentary", Goes::kAnswer},
                              {"final", Goes::kAnswer}},
                   .recipient = "to=",
                   .people = Marks({"assistant", "user", "all"}),
                   .name_prefix = "functions.",
                   .shields = {kJsonString}};
  Channels muse{.open = Marks({"<|start|>"}),
                .message = "<|message|>",
                .close = Marks({"<|eom|>", "<|eot|>"}),
                .routes = {{"to=self", Goes::kThoughts}},
                .recipient = "to=",
                .people = Marks({"self", "user"}),
                .body_has_name = true,
                .form = kInvokeTags,
                .shields = {{.open = "<atem:parameter", .close = "</atem:parameter>"}}};
  Channels functionary{.open = Marks({">>>"}),
                       .message = "\n",
                       .close = Marks({"<|eot_id|>"}),
                       .people = Marks({"all"}),
                       .shields = {kJsonString}};
  return {
      {.name = "harmony",
       .aliases = Marks({"openai", "openai_gptoss", "gpt_oss"}),
       .channels = std::move(harmony)},
      {.name = "muse", .channels = std::move(muse)},
      {.name = "functionary_v32", .channels = std::move(functionary)},
  };
}

}  // namespace

std::vector<Family> MakeFamilies() {
  std::vector<Family> all;
  all.push_back({.name = "think",
                 .thoughts = Think(),
                 .calls = {ToolCall(kJson), BareFunction()},
                 .call_wrappers = Marks({"</tool_call>"})});
  all.push_back({.name = "plain"});
  for (auto& part : {TaggedFamilies(), JsonFamilies(), MarkedFamilies(), ChannelFamilies()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  for (Family& family : all) AddForeignCalls(family);
  return all;
}

}  // namespace weir::text
