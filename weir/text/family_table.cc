#include "weir/text/family_table.h"

#include <iterator>
#include <utility>

namespace weir::text {
namespace {

using enum CallForm;
using Goes = Channels::Goes;

const Shield kJsonString{.open = "\"", .close = "\"", .escapes = true};
const Shield kPythonString{.open = "'", .close = "'", .escapes = true};
const Shield kGemmaString{.open = "<|\"|>", .close = "<|\"|>"};
const Shield kEscapeString{.open = "<escape>", .close = "<escape>"};
const Shield kArgValue{.open = "<arg_value>", .close = "</arg_value>"};
const Shield kParameter{.open = "<parameter=", .close = "</parameter>"};
const Shield kNamedParameter{.open = "<parameter name=", .close = "</parameter>"};

ThoughtMarks Think() { return {.open = {"<think>"}, .close = {"</think>"}}; }

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
  CallMarks marks{.open = {"<tool_call>"}, .close = {"</tool_call>"}, .forms = {own}};
  for (const CallForm form : {kJson, kFunctionTags, kArgPairs, kInvokeTags}) {
    if (form != own) marks.forms.push_back(form);
  }
  marks.shields = {kJsonString, kArgValue, kParameter};
  return marks;
}

// The opening <tool_call> is often forgotten.
CallMarks BareFunction() {
  return {.open = {"<function="},
          .close = {"</function>"},
          .forms = {kFunctionTags},
          .shields = {kParameter},
          .keep_marks = true};
}

// A call without any mark: the answer begins like one.
CallMarks BareJson() {
  return {.open = {"{", "[{", "[\n"},
          .forms = {kJson},
          .where = Where::kStart,
          .keep_marks = true,
          .known_tools = true};
}

CallMarks BarePython() {
  return {.open = {"["},
          .forms = {kPython, kJson},
          .where = Where::kStart,
          .keep_marks = true,
          .known_tools = true};
}

CallMarks Mistral() {
  return {.open = {"[TOOL_CALLS]"}, .forms = {kJson, kNamedJson}, .shields = {kJsonString}};
}

CallMarks Invokes(const std::string& tag, const std::string& prefix) {
  return {.open = {"<" + tag + ">"},
          .close = {"</" + tag + ">"},
          .forms = {kInvokeTags},
          .shields = {
              {.open = "<" + prefix + "parameter name=", .close = "</" + prefix + "parameter>"}}};
}

std::vector<Family> TaggedFamilies() {
  const CallMarks json = ToolCall(kJson);
  const CallMarks tags = ToolCall(kFunctionTags);
  const CallMarks pairs = ToolCall(kArgPairs);
  const std::vector<std::string> stray = {"</tool_call>"};
  return {
      {.name = "hermes",
       .aliases = {"qwen25", "granite4"},
       .thoughts = Think(),
       .calls = {json},
       .call_wrappers = stray},
      {.name = "qwen3",
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {json},
       .call_wrappers = stray},
      {.name = "qwen3_coder",
       .aliases = {"qwen3_xml"},
       .thoughts = Think(),
       .calls = {tags, BareFunction()},
       .call_wrappers = stray},
      {.name = "qwen3_5",
       .aliases = {"nemotron_v3", "mimo"},
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {tags, BareFunction()},
       .call_wrappers = stray},
      {.name = "step3p5",
       .thoughts = {.open = {"<think>"},
                    .close = {"</think>", "\n</think>", "</think>\n", "\n</think>\n"}},
       .starts_in_thoughts = true,
       .calls = {tags, BareFunction()},
       .call_wrappers = stray},
      {.name = "glm45",
       .aliases = {"glm47", "spark"},
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {pairs},
       .call_wrappers = stray},
      {.name = "ling",
       .aliases = {"ling3"},
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {pairs},
       .wrappers = {"<|role_end|>"},
       .call_wrappers = stray},
      {.name = "ernie45",
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {json},
       .wrappers = {"<response>", "</response>", "<response>\n", "\n</response>"},
       .call_wrappers = stray},
      {.name = "seed_oss",
       .thoughts = {.open = {"<seed:think>"}, .close = {"</seed:think>"}},
       .starts_in_thoughts = true,
       .calls = {{.open = {"<seed:tool_call>"},
                  .close = {"</seed:tool_call>"},
                  .forms = {kFunctionTags},
                  .shields = {kParameter}}},
       .call_wrappers = {"</seed:tool_call>"}},
      {.name = "longcat",
       .thoughts = {.open = {"<longcat_think>", "<think>"},
                    .close = {"</longcat_think>", "</think>"}},
       .calls = {Json("<longcat_tool_call>", "</longcat_tool_call>")},
       .call_wrappers = {"</longcat_tool_call>"}},
      {.name = "reka", .thoughts = Think(), .calls = {json}, .call_wrappers = stray},
      {.name = "reka_flash",
       .thoughts = {.open = {"<reasoning>"}, .close = {"</reasoning>"}},
       .calls = {json},
       .call_wrappers = stray},
      {.name = "exaone_deep",
       .thoughts = {.open = {"<thought>"}, .close = {"</thought>"}},
       .starts_in_thoughts = true},
      {.name = "minicpm",
       .thoughts = Think(),
       .calls = {{.open = {"<function name="},
                  .close = {"</function>"},
                  .forms = {kInvokeTags, kFunctionTags},
                  .shields = {{.open = "<param name=", .close = "</param>"}, kNamedParameter},
                  .keep_marks = true}}},
  };
}

std::vector<Family> JsonFamilies() {
  const ThoughtMarks granite = {
      .open = {"Here is my thought process:", "Here's my thought process:"},
      .close = {"Here is my response:", "Here's my response:"}};
  const std::vector<std::string> stray = {"</tool_call>"};
  return {
      // Up to version 11 of its tokenizer, thoughts stand between marks that are plain text.
      {.name = "mistral",
       .thoughts = {.open = {"[THINK]", "<think>"},
                    .close = {"[/THINK]", "</think>"},
                    .where = Where::kAnywhere},
       .calls = {Mistral()}},
      {.name = "llama3_json",
       .aliases = {"llama4_json"},
       .calls = {Json("<|python_tag|>", ""), BarePython(), BareJson()},
       .wrappers = {"<|eom_id|>", "<|eot_id|>"}},
      {.name = "llama4_pythonic",
       .calls = {{.open = {"<|python_start|>"},
                  .close = {"<|python_end|>"},
                  .forms = {kPython, kJson},
                  .shields = {kJsonString, kPythonString}},
                 BarePython()},
       .call_wrappers = {"<|python_end|>"}},
      {.name = "pythonic", .aliases = {"toolace"}, .calls = {BarePython()}},
      {.name = "granite",
       .thoughts = granite,
       .calls = {Json("<|tool_call|>", ""), ToolCall(kJson)},
       .call_wrappers = stray},
      {.name = "granite-20b-fc",
       .calls = {Json("<function_call>", "")},
       .call_wrappers = {"</function_call>"}},
      {.name = "internlm",
       .aliases = {"internlm2", "intern-s1"},
       .thoughts = Think(),
       .calls = {{.open = {"<|action_start|><|plugin|>", "<|action_start|> <|plugin|>",
                           "<|action_start|>"},
                  .close = {"<|action_end|>"},
                  .forms = {kJson},
                  .shields = {kJsonString}}},
       .call_wrappers = {"<|action_end|>"}},
      {.name = "jamba",
       .calls = {Json("<tool_calls>", "</tool_calls>")},
       .call_wrappers = {"</tool_calls>"}},
      {.name = "hunyuan_a13b",
       .aliases = {"hunyuan"},
       .thoughts = {.open = {"<think>", "<think>\n"},
                    .close = {"</think>", "\n</think>", "\n</think>\n"}},
       .calls = {Json("<tool_calls>", "</tool_calls>")},
       .wrappers = {"<answer>", "<answer>\n", "</answer>", "\n</answer>"},
       .call_wrappers = {"</tool_calls>"}},
      // Each token of HY v3 may carry a suffix of its own build.
      {.name = "hy_v3",
       .thoughts = {.open = {"<think>", "<think:opensource>"},
                    .close = {"</think>", "</think:opensource>"}},
       .starts_in_thoughts = true,
       .calls = {ToolCall(kArgPairs)},
       .call_wrappers = stray},
      {.name = "apriel",
       .thoughts = {.open = {"<|begin_assistant|>\n"},
                    .close = {"[BEGIN FINAL RESPONSE]", "\n[BEGIN FINAL RESPONSE]",
                              "\n[BEGIN FINAL RESPONSE]\n", "[BEGIN FINAL RESPONSE]\n"}},
       .starts_in_thoughts = true,
       .calls = {Json("<tool_calls>", "</tool_calls>")},
       .wrappers = {"[END FINAL RESPONSE]", "\n[END FINAL RESPONSE]", "<|end|>"},
       .call_wrappers = {"</tool_calls>"}},
      {.name = "phi4_mini_json",
       .aliases = {"phi4"},
       .thoughts = Think(),
       .calls = {{.open = {"functools"}, .forms = {kJson}},
                 Json("<|tool_call|>", "<|/tool_call|>")},
       .call_wrappers = {"<|/tool_call|>"}},
      {.name = "xlam",
       .thoughts = Think(),
       .calls = {Mistral(),
                 ToolCall(kJson),
                 {.open = {"```json", "```"},
                  .close = {"\n```"},
                  .forms = {kJson},
                  .shields = {kJsonString},
                  .known_tools = true},
                 BareJson()},
       .call_wrappers = stray},
      {.name = "toolcall",
       .aliases = {"nemotron_json"},
       .thoughts = Think(),
       .calls = {Json("<TOOLCALL>", "</TOOLCALL>")},
       .call_wrappers = {"</TOOLCALL>"}},
      {.name = "apertus",
       .thoughts = Special("<|inner_prefix|>", "<|inner_suffix|>"),
       .calls = {{.open = {"<|tools_prefix|>"},
                  .close = {"<|tools_suffix|>"},
                  .forms = {kKeyedJson},
                  .shields = {kJsonString}}},
       .call_wrappers = {"<|tools_suffix|>"}},
      {.name = "gigachat3",
       .aliases = {"gigachat"},
       .calls = {{.open = {"<|function_call|>", "function call<|role_sep|>\n",
                           "<|message_sep|>\n\nfunction call<|role_sep|>\n"},
                  .forms = {kJson}}},
       .wrappers = {"<|message_sep|>"}},
      {.name = "cohere",
       .aliases = {"cohere_command", "cohere_command3", "command_a"},
       .thoughts = {.open = {"<|START_THINKING|>"},
                    .close = {"<|END_THINKING|>", "<|START_RESPONSE|>", "<|START_TEXT|>"},
                    .where = Where::kAnywhere},
       .calls = {Json("<|START_ACTION|>", "<|END_ACTION|>")},
       .wrappers = {"<|START_RESPONSE|>", "<|END_RESPONSE|>", "<|START_TEXT|>", "<|END_TEXT|>",
                    "<|END_OF_TURN_TOKEN|>"},
       .call_wrappers = {"<|END_ACTION|>"}},
  };
}

// The bars are full-width, the blanks are U+2581; older models and templates write plain ones.
Family DeepSeek(std::string name, std::vector<std::string> aliases, bool starts_in_thoughts) {
  CallMarks call{.open = {"<｜tool▁call▁begin｜>", "<｜tool▁call▁begin｜>function<｜tool▁sep｜>"},
                 .close = {"<｜tool▁call▁end｜>"},
                 .forms = {kNamedJson},
                 .shields = {kJsonString}};
  return {.name = std::move(name),
          .aliases = std::move(aliases),
          .thoughts = Think(),
          .starts_in_thoughts = starts_in_thoughts,
          .calls = {std::move(call)},
          .call_wrappers = {"<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁end｜>",
                            "<｜tool_calls_begin｜>", "<｜tool calls begin｜>",
                            "<｜tool\\_calls\\_begin｜>", "<｜tool▁calls｜>"}};
}

std::vector<Family> MarkedFamilies() {
  CallMarks kimi{.open = {"<|tool_call_begin|>"},
                 .close = {"<|tool_call_end|>", "<|tool_calls_section_end|>"},
                 .forms = {kNamedJson},
                 .shields = {kJsonString}};
  return {
      DeepSeek("deepseek_r1", {}, true),
      DeepSeek("deepseek_v3", {"deepseek_v31", "holo2"}, false),
      {.name = "deepseek_v32",
       .aliases = {"deepseek_v4"},
       .thoughts = Think(),
       .calls = {Invokes("｜DSML｜function_calls", "｜DSML｜"),
                 Invokes("｜DSML｜tool_calls", "｜DSML｜")}},
      {.name = "kimi_k2",
       .aliases = {"kimi_k25", "kimi"},
       .thoughts = {.open = {"<think>", "◁think▷"}, .close = {"</think>", "◁/think▷"}},
       .starts_in_thoughts = true,
       .calls = {std::move(kimi)},
       .call_wrappers = {"<|tool_calls_section_begin|>", "<|tool_calls_section_end|>",
                         "<|tool_call_end|>"}},
      {.name = "kimi_k3",
       .thoughts = {.open = {"<|open|>think<|sep|>"},
                    .close = {"<|close|>think<|sep|>", "<|open|>response<|sep|>"},
                    .where = Where::kAnywhere},
       .starts_in_thoughts = true,
       .calls = {{.open = {"<|open|>tools<|sep|>"},
                  .close = {"<|close|>tools<|sep|>"},
                  .forms = {kInvokeTags},
                  .shields = {{.open = "<|open|>argument", .close = "<|close|>argument<|sep|>"}}}},
       .wrappers = {"<|open|>response<|sep|>", "<|close|>response<|sep|>",
                    "<|close|>message<|sep|>"}},
      {.name = "minimax_m2",
       .aliases = {"minimax"},
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {Invokes("minimax:tool_call", "")},
       .call_wrappers = {"</minimax:tool_call>"}},
      {.name = "minimax_m3",
       .thoughts = {.open = {"<mm:think>"}, .close = {"</mm:think>"}},
       .calls = {{.open = {"]<]minimax[>[<tool_call>"},
                  .close = {"]<]minimax[>[</tool_call>"},
                  .forms = {kInvokeTags}}},
       .call_wrappers = {"]<]minimax[>[</tool_call>"}},
      {.name = "step3",
       .thoughts = Think(),
       .starts_in_thoughts = true,
       .calls = {{.open = {"<｜tool_call_begin｜>", "<｜tool_call_begin｜>function<｜tool_sep｜>"},
                  .close = {"<｜tool_call_end｜>"},
                  .forms = {kInvokeTags},
                  .shields = {{.open = "<steptml:parameter", .close = "</steptml:parameter>"}}}},
       .call_wrappers = {"<｜tool_calls_begin｜>", "<｜tool_calls_end｜>", "<｜tool_call_end｜>"}},
      {.name = "olmo3",
       .thoughts = Think(),
       .calls = {{.open = {"<function_calls>"},
                  .close = {"</function_calls>"},
                  .forms = {kPython},
                  .shields = {kJsonString, kPythonString}}},
       .call_wrappers = {"</function_calls>"}},
      {.name = "lfm2",
       .thoughts = Think(),
       .calls = {{.open = {"<|tool_call_start|>"},
                  .close = {"<|tool_call_end|>"},
                  .forms = {kPython, kJson},
                  .shields = {kJsonString, kPythonString}}},
       .call_wrappers = {"<|tool_call_end|>"}},
      {.name = "functiongemma",
       .calls = {{.open = {"<start_function_call>"},
                  .close = {"<end_function_call>"},
                  .forms = {kBraces},
                  .shields = {kEscapeString}}},
       .call_wrappers = {"<end_function_call>"}},
      {.name = "gemma4",
       .thoughts = {.open = {"<|channel>", "<|channel>thought\n"},
                    .close = {"<channel|>"},
                    .where = Where::kAnywhere},
       .calls = {{.open = {"<|tool_call>"},
                  .close = {"<tool_call|>"},
                  .forms = {kBraces},
                  .shields = {kGemmaString}}},
       .wrappers = {"<|channel>", "<|channel>thought\n", "<channel|>", "<turn|>"},
       .call_wrappers = {"<tool_call|>"}},
      {.name = "functionary_v31", .calls = {BareFunction()}},
  };
}

std::vector<Family> ChannelFamilies() {
  Channels harmony{.open = {"<|start|>", "<|channel|>"},
                   .message = "<|message|>",
                   .close = {"<|end|>", "<|call|>", "<|return|>"},
                   .routes = {{"analysis", Goes::kThoughts},
                              {"commentary", Goes::kAnswer},
                              {"final", Goes::kAnswer}},
                   .recipient = "to=",
                   .people = {"assistant", "user", "all"},
                   .name_prefix = "functions.",
                   .shields = {kJsonString}};
  Channels muse{.open = {"<|start|>"},
                .message = "<|message|>",
                .close = {"<|eom|>", "<|eot|>"},
                .routes = {{"to=self", Goes::kThoughts}},
                .recipient = "to=",
                .people = {"self", "user"},
                .body_has_name = true,
                .form = kInvokeTags,
                .shields = {{.open = "<atem:parameter", .close = "</atem:parameter>"}}};
  Channels functionary{.open = {">>>"},
                       .message = "\n",
                       .close = {"<|eot_id|>"},
                       .people = {"all"},
                       .shields = {kJsonString}};
  return {
      {.name = "harmony",
       .aliases = {"openai", "openai_gptoss", "gpt_oss"},
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
                 .call_wrappers = {"</tool_call>"}});
  all.push_back({.name = "plain"});
  for (auto& part : {TaggedFamilies(), JsonFamilies(), MarkedFamilies(), ChannelFamilies()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace weir::text
