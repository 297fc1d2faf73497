#include <algorithm>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/request_reader.h"

namespace weir::wire {
namespace {

using model::Sampling;

constexpr std::string_view kLogprobsWanted = "message.output_text.logprobs";
constexpr std::string_view kInclude[] = {"code_interpreter_call.outputs",
                                         "computer_call_output.output.image_url",
                                         "file_search_call.results",
                                         "message.input_image.image_url",
                                         kLogprobsWanted,
                                         "reasoning.encrypted_content"};
constexpr std::string_view kServiceTiers[] = {"auto", "default", "flex", "scale", "priority"};
constexpr std::string_view kTruncations[] = {"auto", "disabled"};
constexpr std::string_view kEfforts[] = {"none", "minimal", "low", "medium",
                                         "high", "xhigh",   "max"};

// "'a', 'b' or 'c'"
std::string Choices(std::span<const std::string_view> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    StrAppend(text, i == 0 ? "" : last ? " or " : ", ", "'", words[i], "'");
  }
  return text;
}

// False after a complaint: `value` must be one of the words.
bool CheckWord(json::View value, std::span<const std::string_view> words, std::string_view location,
               RequestReader& in) {
  const std::optional<std::string_view> word = value.AsString();
  if (word && std::ranges::find(words, *word) != words.end()) return true;
  in.Complain("literal_error", location, StrCat("Input should be ", Choices(words)), value);
  return false;
}

void ReadWord(RequestReader& in, std::string_view key, std::span<const std::string_view> words,
              std::string& out) {
  const json::View value = in.Take(key);
  if (IsSet(value) && CheckWord(value, words, key, in)) out = StringOf(value);
}

void WriteOrNull(std::string_view key, json::View value, json::Builder& out) {
  out.Key(key);
  if (value.exists()) {
    out.Copy(value);
  } else {
    out.Null();
  }
}

void DecodeTool(json::View entry, std::string_view index, RequestReader& in, model::Call& call,
                json::Builder& echo) {
  const std::string location = StrCat("tools.", index, ".FunctionTool");
  if (entry.Find("type").StringOr("") != "function") {
    in.Complain("literal_error", location + ".type", "Input should be 'function'",
                entry.Find("type").exists() ? entry.Find("type") : entry);
    return;
  }
  if (!entry.Find("name").IsString()) {
    in.Complain("missing", location + ".name", "Field required", entry);
    return;
  }
  const json::View parameters = entry.Find("parameters");
  if (IsSet(parameters) && !parameters.IsObject()) {
    in.Complain("dict_type", location + ".parameters", "Input should be a valid dictionary",
                parameters);
    return;
  }
  model::ToolSpec& tool = call.tools.emplace_back();
  tool.name = StringOf(entry.Find("name"));
  tool.description = StringOf(entry.Find("description"));
  if (parameters.IsObject()) tool.parameters = json::Value::CopyOf(parameters);
  tool.strict = entry.Find("strict").AsBool();
  echo.BeginObject();
  for (const std::string_view key : {"name", "parameters", "strict", "type", "description"}) {
    WriteOrNull(key, entry.Find(key), echo);
  }
  echo.EndObject();
}

void ReadTools(RequestReader& in, model::Call& call, ResponsesEcho& echo) {
  const json::View tools = in.Take("tools");
  if (tools.exists() && !tools.IsArray()) {
    in.Complain("list_type", "tools", "Input should be a valid list", tools);
    return;
  }
  json::Builder repeated;
  repeated.BeginArray();
  for (std::size_t i = 0; i < tools.size(); ++i) {
    DecodeTool(tools[i], StrCat(i), in, call, repeated);
  }
  repeated.EndArray();
  echo.tools = std::move(repeated).Finish();
}

void DecodeNamedChoice(json::View value, RequestReader& in, model::Call& call) {
  if (value.Find("type").StringOr("") != "function") {
    in.Complain("literal_error", "tool_choice.ToolChoiceFunction.type",
                "Input should be 'function'",
                value.Find("type").exists() ? value.Find("type") : value);
    return;
  }
  const std::string name = StringOf(value.Find("name"));
  if (name.empty() ||
      std::ranges::find(call.tools, name, &model::ToolSpec::name) == call.tools.end()) {
    in.Refuse("Tool choice 'function' not found in 'tools' parameter.", "tool_choice");
    return;
  }
  call.tool_choice = {model::ToolChoice::Kind::kNamed, name};
}

void ReadToolChoice(RequestReader& in, model::Call& call, ResponsesEcho& echo) {
  using Kind = model::ToolChoice::Kind;
  constexpr std::string_view kWords[] = {"none", "auto", "required"};
  constexpr Kind kKinds[] = {Kind::kNone, Kind::kAuto, Kind::kRequired};
  const json::View value = in.Take("tool_choice");
  if (!IsSet(value)) return;
  if (value.IsObject()) {
    DecodeNamedChoice(value, in, call);
  } else if (CheckWord(value, kWords, "tool_choice.literal['none','auto','required']", in)) {
    const auto* const word = std::ranges::find(kWords, value.StringOr(""));
    call.tool_choice.kind = kKinds[word - kWords];
  }
  if (call.tool_choice.kind == Kind::kRequired && call.tools.empty()) {
    in.Refuse("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice");
  }
  // Without tools, "auto" comes back as what it amounts to.
  const bool openai = in.dialect().kind == ServerKind::kOpenAi;
  if (!call.tools.empty() || openai) echo.tool_choice = json::Value::CopyOf(value);
}

void ReadFormat(json::View format, RequestReader& in, model::Call& call) {
  using Kind = model::Constraint::Kind;
  constexpr std::string_view kTypes[] = {"text", "json_object", "json_schema"};
  if (!IsSet(format)) return;
  if (!CheckWord(format.Find("type"), kTypes, "text.format.type", in)) return;
  const std::string_view type = format.Find("type").StringOr("");
  if (type == "json_object") call.constraint = model::Constraint{.kind = Kind::kJsonObject};
  if (type != "json_schema") return;
  constexpr std::string_view kLocation = "text.format.ResponseFormatTextJSONSchemaConfig.";
  for (const std::string_view key : {"name", "schema"}) {
    if (!IsSet(format.Find(key))) {
      in.Complain("missing", StrCat(kLocation, key), "Field required", format);
    }
  }
  if (IsSet(format.Find("schema")) && !format.Find("schema").IsObject()) {
    in.Complain("dict_type", StrCat(kLocation, "schema"), "Input should be a valid dictionary",
                format.Find("schema"));
  }
  if (!format.Find("schema").IsObject()) return;
  model::Constraint constraint;
  constraint.schema = json::Value::CopyOf(format.Find("schema"));
  constraint.name = format.Find("name").StringOr("");
  constraint.strict = format.Find("strict").AsBool();
  call.constraint = std::move(constraint);
}

// An object whose members are repeated under these keys, null where they are not set.
json::Value Repeated(json::View object, std::initializer_list<std::string_view> keys) {
  json::Builder out;
  out.BeginObject();
  for (const std::string_view key : keys) WriteOrNull(key, object.Find(key), out);
  out.EndObject();
  return std::move(out).Finish();
}

void ReadText(RequestReader& in, IncomingCall& out, ResponsesEcho& echo) {
  json::Value text;
  in.ReadObject("text", text);
  const bool understood = in.dialect().constraints == ConstraintSpelling::kStructuredOutputs;
  const json::View outputs = understood ? in.Take("structured_outputs") : json::View();
  if (text.IsObject()) {
    ReadFormat(text.Find("format"), in, out.call);
    echo.text = Repeated(text, {"format", "verbosity"});
    if (IsSet(text.Find("format")) && IsSet(outputs)) {
      in.RefuseLate("Cannot specify both structured_outputs and text.format", "structured_outputs");
      return;
    }
  }
  ReadStructuredOutputs(outputs, in, out);
}

void ReadReasoning(RequestReader& in, model::Call& call, ResponsesEcho& echo) {
  json::Value reasoning;
  in.ReadObject("reasoning", reasoning);
  if (reasoning.IsObject()) {
    const json::View effort = reasoning.Find("effort");
    if (IsSet(effort) && CheckWord(effort, kEfforts, "reasoning.effort", in)) {
      call.reasoning.effort = StringOf(effort);
    }
    echo.reasoning = Repeated(reasoning, {"effort", "generate_summary", "summary"});
  }
  in.Read("include_reasoning", call.reasoning.include, Null::kRefused);
  in.ReadObject("chat_template_kwargs", call.chat_template_kwargs);
  SplitTemplateKwargs(call);
  in.ReadObject("mm_processor_kwargs", call.mm_processor_kwargs);
}

void ReadLogprobs(RequestReader& in, Sampling& sampling, ResponsesEcho& echo) {
  std::optional<std::int64_t> top;
  in.Read("top_logprobs", top);
  const json::View include = in.Take("include");
  if (IsSet(include) && !include.IsArray()) {
    in.Complain("list_type", "include", "Input should be a valid list", include);
  }
  for (std::size_t i = 0; i < include.size() && include.IsArray(); ++i) {
    if (!CheckWord(include[i], kInclude, StrCat("include.", i), in)) continue;
    if (include[i].StringOr("") == kLogprobsWanted) sampling.logprobs = top.value_or(0);
  }
  echo.top_logprobs = sampling.logprobs;
}

void ReadSampling(RequestReader& in, Sampling& sampling, ResponsesEcho& echo) {
  in.Read("max_output_tokens", sampling.max_tokens);
  in.Read("temperature", sampling.temperature);
  in.Read("top_p", sampling.top_p);
  in.Read("top_k", sampling.top_k);
  in.Read("presence_penalty", sampling.presence_penalty);
  in.Read("frequency_penalty", sampling.frequency_penalty);
  in.Read("repetition_penalty", sampling.repetition_penalty);
  in.Read("seed", sampling.seed);
  in.Read("ignore_eos", sampling.ignore_eos, Null::kRefused);
  in.Read("skip_special_tokens", sampling.skip_special_tokens, Null::kRefused);
  in.Read("include_stop_str_in_output", sampling.include_stop_in_output, Null::kRefused);
  ReadStop(in, sampling);
  ReadLogitBias(in, sampling);
  ReadLogprobs(in, sampling, echo);
  ReadWord(in, "truncation", kTruncations, echo.truncation);
  if (echo.truncation == "auto") sampling.truncate_prompt_tokens = -1;
  echo.temperature = sampling.temperature;
  echo.top_p = sampling.top_p;
  echo.max_output_tokens = sampling.max_tokens;
}

void ReadMetadata(RequestReader& in, ResponsesEcho& echo) {
  in.ReadObject("metadata", echo.metadata);
  for (const json::Member member : echo.metadata.members()) {
    if (member.value.IsString()) continue;
    in.Complain("string_type", StrCat("metadata.", member.key), "Input should be a valid string",
                member.value);
  }
}

void ReadKeeping(RequestReader& in, ResponsesEcho& echo) {
  std::optional<bool> background;
  std::optional<bool> store;
  in.Read("background", background);
  in.Read("store", store);
  echo.background = background.value_or(false);
  echo.store = store.value_or(true);
  if (echo.background && !echo.store) {
    in.Refuse("background can only be used when `store` is true", "background");
  }
  in.Read("previous_response_id", echo.previous_response_id);
  if (in.dialect().kind == ServerKind::kOpenAi) {
    in.Read("prompt_cache_key", echo.prompt_cache_key);
    in.Read("prompt_cache_retention", echo.prompt_cache_retention);
    in.Read("safety_identifier", echo.safety_identifier);
  }
  if (IsSet(in.Take("prompt"))) in.Refuse("prompt template is not supported", "prompt");
}

}  // namespace

void ReadResponses(RequestReader& in, IncomingCall& out) {
  model::Call& call = out.call;
  ResponsesEcho& echo = out.echo.emplace();
  std::string instructions;
  in.Read("instructions", instructions);
  if (in.body().Find("instructions").IsString()) echo.instructions = instructions;
  if (!instructions.empty()) {
    call.messages.push_back(model::Message::Text(model::Role::kSystem, std::move(instructions)));
  }
  ReadResponsesInput(in, call);
  ReadTools(in, call, echo);
  ReadToolChoice(in, call, echo);
  in.Read("parallel_tool_calls", call.parallel_tool_calls);
  echo.parallel_tool_calls = call.parallel_tool_calls.value_or(true);
  in.Read("max_tool_calls", echo.max_tool_calls);
  ReadText(in, out, echo);
  ReadSampling(in, call.sampling, echo);
  ReadReasoning(in, call, echo);
  ReadMetadata(in, echo);
  ReadKeeping(in, echo);
  ReadWord(in, "service_tier", kServiceTiers, echo.service_tier);
  ReadMeta(in, call);
  echo.user = call.user;
  std::optional<bool> stream;
  in.Read("stream", stream);
  in.Take("stream_options");  // nothing in it changes what vLLM sends
  out.stream = stream.value_or(false);
  out.include_usage = out.stream;
}

}  // namespace weir::wire
