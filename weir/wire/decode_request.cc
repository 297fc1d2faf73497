#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/openai_server.h"
#include "weir/wire/python_text.h"
#include "weir/wire/request_reader.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {
namespace {

void ReadStream(RequestReader& in, IncomingCall& out) {
  std::optional<bool> stream;
  in.Read("stream", stream);
  out.stream = stream.value_or(false);
  const json::View options = in.Take("stream_options");
  if (IsSet(options) && !options.IsObject()) {
    in.Complain("model_attributes_type", "stream_options",
                "Input should be a valid dictionary or object to extract fields from", options);
  }
  if (!out.stream) {
    if (IsSet(options) && !options.empty()) {
      in.Refuse("Stream options can only be defined when `stream=True`.", "stream_options");
    }
    return;
  }
  const bool by_default = options.IsObject() && in.dialect().usage_by_default;
  out.include_usage = options.Find("include_usage").BoolOr(by_default);
  out.continuous_usage = in.dialect().kind == ServerKind::kVllm && out.include_usage &&
                         options.Find("continuous_usage_stats").BoolOr(false);
  out.call.stream_usage = out.include_usage;
  out.call.continuous_usage = out.continuous_usage;
}

constexpr Version kPromptsLimited{0, 28, 0};
constexpr std::size_t kMaxPrompts = 1024;

// Each way to read a prompt has its own complaint about tokens that are negative.
void RefuseNegative(json::View prompt, RequestReader& in) {
  const bool nested = prompt[0].IsArray();
  for (std::size_t i = 0; i < (nested ? prompt.size() : 1); ++i) {
    const json::View list = nested ? prompt[i] : prompt;
    std::size_t place = 0;
    while (place < list.size() && list[place].AsInt64().value_or(0) >= 0) ++place;
    if (place == list.size()) continue;
    constexpr std::string_view kFlat = "prompt.list[constrained-int].";
    constexpr std::string_view kNested = "prompt.list[list[constrained-int]].";
    const std::string where = nested ? StrCat(kNested, i, ".", place) : StrCat(kFlat, place);
    in.Complain("greater_than_equal", where, "Input should be greater than or equal to 0",
                list[place], "{'ge': 0}");
    in.Complain(nested ? "int_type" : "list_type", nested ? StrCat(kFlat, 0) : StrCat(kNested, 0),
                nested ? "Input should be a valid integer" : "Input should be a valid list",
                prompt[0]);
    in.Complain("string_type", "prompt.str", "Input should be a valid string", prompt);
    in.Complain("string_type", "prompt.list[str].0", "Input should be a valid string", prompt[0]);
    return;
  }
}

// A text, several texts, tokens, or several lists of tokens.
void ReadPrompt(RequestReader& in, IncomingCall& out) {
  const json::View prompt = in.Take("prompt");
  if (prompt.IsString()) {
    out.prompts.push_back(StringOf(prompt));
  } else if (prompt[0].IsString()) {
    out.prompts = StringsOf(prompt);
  } else if (prompt[0].IsNumber()) {
    out.token_prompts.push_back(IntsOf(prompt));
  } else if (prompt[0].IsArray()) {
    for (const json::View list : prompt.items()) out.token_prompts.push_back(IntsOf(list));
  }
  if (in.dialect().kind == ServerKind::kVllm) {
    if (!out.token_prompts.empty()) RefuseNegative(prompt, in);
    const std::size_t prompts = out.prompts.size() + out.token_prompts.size();
    if (prompts > kMaxPrompts && in.dialect().version >= kPromptsLimited) {
      in.Refuse(StrCat("prompt must have at most ", kMaxPrompts, " entries, got ", prompts, "."),
                "prompt", StrCat(prompts));
    }
  }
  if (!out.prompts.empty()) out.call.prompt = out.prompts.front();
  if (!out.token_prompts.empty()) out.call.prompt_token_ids = out.token_prompts.front();
  if (out.call.prompt.empty() && out.call.prompt_token_ids.empty()) {
    in.RefuseLate("Either prompt or prompt_embeds must be provided and non-empty.", "prompt");
  }
  if (IsSet(in.body().Find("suffix")) && !IsSet(in.Take("suffix"))) {
    in.RefuseLate("suffix is not currently supported");
  }
  if (const auto suffix = in.Take("suffix").AsString()) out.call.suffix = *suffix;
  in.Read("echo", out.call.echo, Null::kRefused);
}

void CheckEffort(RequestReader& in, std::string_view effort) {
  constexpr Version kNone{0, 18, 0};
  constexpr Version kAll{0, 21, 0};
  const Version& version = in.dialect().version;
  const std::string_view known =
      version < kNone  ? "'low', 'medium' or 'high'"
      : version < kAll ? "'none', 'low', 'medium' or 'high'"
                       : "'none', 'minimal', 'low', 'medium', 'high', 'xhigh' or 'max'";
  if (in.dialect().kind != ServerKind::kVllm || !in.body().Find("reasoning_effort").IsString()) {
    return;
  }
  if (in.Take("reasoning_effort").exists() && !known.contains(StrCat("'", effort, "'"))) {
    in.Complain("literal_error", "reasoning_effort", StrCat("Input should be ", known),
                in.body().Find("reasoning_effort"));
  }
}

// The last message, when it is the model's own, stands before what is added to it.
void ReadChatEcho(RequestReader& in, IncomingCall& out) {
  if (in.dialect().kind != ServerKind::kVllm) return;
  std::optional<bool> echo;
  in.ReadBool("echo", in.body().Find("echo"), echo, Null::kRefused);
  const std::vector<model::Message>& messages = out.call.messages;
  if (!echo.value_or(false) || messages.empty()) return;
  if (messages.back().role != model::Role::kAssistant) return;
  out.chat_echo = messages.back().AllText();
}

// Null is not "auto": calls are cut out of the text, and then forgotten.
void ReadNullChoice(RequestReader& in, IncomingCall& out) {
  const json::View choice = in.body().Find("tool_choice");
  if (in.dialect().kind != ServerKind::kVllm || out.call.tools.empty()) return;
  if (!choice.exists() || !choice.IsNull()) return;
  out.null_choice = true;
  if (!out.call.constraint || IsSet(in.body().Find("response_format"))) return;
  using Kind = model::Constraint::Kind;
  for (const Kind kind : {Kind::kJsonSchema, Kind::kRegex, Kind::kChoice}) {
    if (out.call.constraint->kind != kind) continue;
    in.Refuse("You can only either use constraints for structured outputs or tools, not both.");
  }
}

void ReadReasoning(RequestReader& in, model::Call& call) {
  std::string effort;
  in.Read("reasoning_effort", effort);
  if (!effort.empty()) call.reasoning.effort = effort;
  CheckEffort(in, effort);
  in.Read("include_reasoning", call.reasoning.include, Null::kRefused);
  in.Read("thinking_token_budget", call.reasoning.thinking_budget);
  in.Read("add_generation_prompt", call.add_generation_prompt, Null::kRefused);
  in.Read("continue_final_message", call.continue_final_message, Null::kRefused);
  in.Read("add_special_tokens", call.add_special_tokens, Null::kRefused);
  in.Read("chat_template", call.chat_template);
  in.ReadObject("chat_template_kwargs", call.chat_template_kwargs);
  SplitTemplateKwargs(call);
  in.ReadArray("documents", call.documents);
  in.ReadObject("mm_processor_kwargs", call.mm_processor_kwargs);
  if (call.add_generation_prompt == true && call.continue_final_message == true) {
    in.Refuse("Cannot set both `continue_final_message` and `add_generation_prompt` to True.");
  }
}

// Everything that chat and completions have and the Responses API spells otherwise.
void ReadGeneration(RequestReader& in, IncomingCall& out) {
  if (in.chat()) {
    ReadMessages(in, out.call);
    ReadTools(in, out.call);
  } else {
    ReadPrompt(in, out);
  }
  ReadConstraint(in, out);
  if (in.chat()) {
    ReadChatEcho(in, out);
    ReadNullChoice(in, out);
  }
  ReadSampling(in, out.call);
  const json::View allowed = in.Take("allowed_token_ids");
  if (allowed.IsArray() && allowed.empty() && in.dialect().kind == ServerKind::kVllm) {
    out.engine_error = ServerError{.message = "allowed_token_ids is not None and empty!"};
  }
  ReadReasoning(in, out.call);
  ReadMeta(in, out.call);
  ReadStream(in, out);
}

}  // namespace

ServerError BadJson(std::string_view body, const Dialect& dialect) {
  if (dialect.kind != ServerKind::kVllm) return UnreadableBody();
  const PythonJsonFault fault =
      FindPythonJsonFault(body).value_or(PythonJsonFault{"Expecting value", 0});
  const std::vector<std::string> entries = {StrCat(
      "{'type': 'json_invalid', 'loc': ('body', ", fault.position,
      "), 'msg': 'JSON decode error', 'input': {}, 'ctx': {'error': ", PythonRepr(fault.message),
      "}}")};
  return ValidationError(entries, StrCat("body.", fault.position), dialect);
}

void SplitTemplateKwargs(model::Call& call) {
  const json::View kwargs = call.chat_template_kwargs;
  for (const std::string_view name : {"thinking", "enable_thinking"}) {
    if (const std::optional<bool> enable = kwargs.Find(name).AsBool()) {
      call.reasoning.enable = enable;
    }
  }
  if (call.reasoning.enable) {
    call.chat_template_kwargs = UnknownMembers(kwargs, {"thinking", "enable_thinking"});
  }
}

void ReadMeta(RequestReader& in, model::Call& call) {
  in.Read("priority", call.priority, Null::kRefused);
  in.Read("request_id", call.request_id);
  in.Read("session_id", call.session_id);
  in.Read("cache_salt", call.cache_salt);
  const bool vllm = in.dialect().kind == ServerKind::kVllm;
  if (vllm && call.cache_salt.empty() && in.Take("cache_salt").IsString()) {
    in.Refuse("Parameter 'cache_salt' must be a non-empty string if provided.", "cache_salt");
  }
  in.Read("user", call.user);
  in.ReadObject("kv_transfer_params", call.kv_transfer_params);
  in.ReadObject("vllm_xargs", call.vllm_xargs);
}

std::expected<IncomingCall, ServerError> DecodeRequest(model::Api api, std::string_view body,
                                                       const Dialect& dialect) {
  const auto root = json::Read(body, {.max_bytes = limits::kRequestBodyBytes});
  if (!root) return std::unexpected(BadJson(body, dialect));
  RequestReader in(api, *root, dialect);
  if (!root->IsObject()) {
    in.Complain("model_attributes_type", "",
                "Input should be a valid dictionary or object to extract fields from", *root);
    return std::unexpected(*in.TakeError());
  }
  if (dialect.kind == ServerKind::kOpenAi) {
    if (auto error = RefuseAsOpenAi(api, *root)) return std::unexpected(*std::move(error));
  }
  IncomingCall out;
  out.call.api = api;
  in.Read("model", out.call.model);
  if (api == model::Api::kResponses) {
    ReadResponses(in, out);
  } else {
    ReadGeneration(in, out);
  }
  if (dialect.kind != ServerKind::kOpenAi) CheckSampling(in, out.call);
  if (std::optional<ServerError> error = in.TakeError()) {
    return std::unexpected(*std::move(error));
  }
  out.call.extra = in.Rest();
  return out;
}

}  // namespace weir::wire
