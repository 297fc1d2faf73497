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

void ReadReasoning(RequestReader& in, model::Call& call) {
  std::string effort;
  in.Read("reasoning_effort", effort);
  if (!effort.empty()) call.reasoning.effort = effort;
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
  ReadConstraint(in, out.call);
  ReadSampling(in, out.call);
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
