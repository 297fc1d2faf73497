#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/wire/extra_fields.h"
#include "weir/wire/field_table.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/ollama_client.h"
#include "weir/wire/ollama_client_writer.h"

namespace weir::wire {
namespace {

using model::Call;

// Fields that are the codec's alone: another value would break the reading of the answer, or mean
// another prompt.
constexpr std::string_view kReserved[] = {"model", "messages", "prompt", "raw", "stream"};

// What Ollama has no word for. A field that asks for what happens anyway is not missing.
struct Missing {
  std::string_view field;
  bool (*asked)(const Call& call);
  IfMissing missing;
};

constexpr Missing kMissing[] = {
    {"echo", [](const Call& c) { return c.echo == true; }, IfMissing::kFail},
    {"n", [](const Call& c) { return c.sampling.n.value_or(1) > 1; }, IfMissing::kFail},
    {"best_of", [](const Call& c) { return c.sampling.best_of.value_or(1) > 1; }, IfMissing::kFail},
    {"beam search", [](const Call& c) { return c.sampling.beam_width.has_value(); },
     IfMissing::kFail},
    {"length_penalty", [](const Call& c) { return c.sampling.length_penalty.has_value(); },
     IfMissing::kFail},
    {"min_tokens", [](const Call& c) { return c.sampling.min_tokens.value_or(0) > 0; },
     IfMissing::kFail},
    {"stop_token_ids", [](const Call& c) { return !c.sampling.stop_token_ids.empty(); },
     IfMissing::kFail},
    {"bad_words", [](const Call& c) { return !c.sampling.bad_words.empty(); }, IfMissing::kFail},
    {"allowed_token_ids", [](const Call& c) { return !c.sampling.allowed_token_ids.empty(); },
     IfMissing::kFail},
    {"logit_bias", [](const Call& c) { return !c.sampling.logit_bias.empty(); }, IfMissing::kFail},
    {"include_stop_in_output",
     [](const Call& c) { return c.sampling.include_stop_in_output == true; }, IfMissing::kFail},
    {"ignore_eos", [](const Call& c) { return c.sampling.ignore_eos == true; }, IfMissing::kFail},
    {"skip_special_tokens", [](const Call& c) { return c.sampling.skip_special_tokens == false; },
     IfMissing::kFail},
    {"spaces_between_special_tokens",
     [](const Call& c) { return c.sampling.spaces_between_special_tokens == false; },
     IfMissing::kDrop},
    {"truncate_prompt_tokens",
     [](const Call& c) { return c.sampling.truncate_prompt_tokens.value_or(-1) != -1; },
     IfMissing::kFail},
    {"truncation_side", [](const Call& c) { return c.sampling.truncation_side.has_value(); },
     IfMissing::kFail},
    {"logprobs of the whole vocabulary",
     [](const Call& c) { return c.sampling.logprobs.value_or(0) < 0; }, IfMissing::kFail},
    {"prompt_logprobs", [](const Call& c) { return c.sampling.prompt_logprobs.has_value(); },
     IfMissing::kFail},
    {"return_token_ids", [](const Call& c) { return c.sampling.return_token_ids == true; },
     IfMissing::kDrop},
    {"return_tokens_as_token_ids",
     [](const Call& c) { return c.sampling.return_tokens_as_token_ids == true; }, IfMissing::kDrop},
    {"repetition_detection", [](const Call& c) { return IsSet(c.sampling.repetition_detection); },
     IfMissing::kFail},
    {"include_reasoning", [](const Call& c) { return c.reasoning.include == false; },
     IfMissing::kDrop},
    {"thinking_token_budget",
     [](const Call& c) { return c.reasoning.thinking_budget.value_or(-1) != -1; },
     IfMissing::kFail},
    {"parallel_tool_calls", [](const Call& c) { return c.parallel_tool_calls == false; },
     IfMissing::kFail},
    {"add_generation_prompt", [](const Call& c) { return c.add_generation_prompt == false; },
     IfMissing::kFail},
    {"continue_final_message", [](const Call& c) { return c.continue_final_message == true; },
     IfMissing::kFail},
    {"add_special_tokens", [](const Call& c) { return c.add_special_tokens.has_value(); },
     IfMissing::kFail},
    {"chat_template", [](const Call& c) { return !c.chat_template.empty(); }, IfMissing::kFail},
    {"chat_template_kwargs", [](const Call& c) { return !c.chat_template_kwargs.empty(); },
     IfMissing::kFail},
    {"documents", [](const Call& c) { return !c.documents.empty(); }, IfMissing::kFail},
    {"mm_processor_kwargs", [](const Call& c) { return !c.mm_processor_kwargs.empty(); },
     IfMissing::kFail},
    {"cache_salt", [](const Call& c) { return !c.cache_salt.empty(); }, IfMissing::kFail},
    {"kv_transfer_params", [](const Call& c) { return !c.kv_transfer_params.empty(); },
     IfMissing::kFail},
    {"vllm_xargs", [](const Call& c) { return !c.vllm_xargs.empty(); }, IfMissing::kFail},
    {"priority", [](const Call& c) { return c.priority.has_value(); }, IfMissing::kDrop},
    {"request_id", [](const Call& c) { return !c.request_id.empty(); }, IfMissing::kDrop},
    {"session_id", [](const Call& c) { return !c.session_id.empty(); }, IfMissing::kDrop},
    {"user", [](const Call& c) { return !c.user.empty(); }, IfMissing::kDrop},
    {"continuous_usage", [](const Call& c) { return c.continuous_usage; }, IfMissing::kDrop},
};

std::string WhyMissing(std::string_view what) { return StrCat("Ollama has no ", what); }

Result<void> Check(const Call& call) {
  if (call.api == model::Api::kResponses) {
    return Fail(Code::kUnsupportedParam,
                "the responses API is not spoken with ollama: use the chat API");
  }
  WEIR_CHECK(call.sampling.Validate());
  if (call.model.empty() && call.adapter.empty()) {
    return Fail(Code::kInvalidRequest,
                "Ollama has no default model: name one in the call or in the engine's settings");
  }
  if (call.sampling.max_tokens == 0) {
    return Fail(Code::kInvalidRequest, "max_tokens must be at least 1");
  }
  if (!call.prompt_token_ids.empty()) {
    return Fail(Code::kUnsupportedParam,
                "Ollama takes no prompt in tokens: send its text, or use another engine");
  }
  const bool chat = call.api == model::Api::kChat;
  if (chat && (call.messages.empty() || !call.prompt.empty() || call.suffix)) {
    return Fail(Code::kInvalidRequest,
                "a chat call needs messages, and takes neither a prompt nor a suffix");
  }
  if (!chat && (call.prompt.empty() || !call.messages.empty() || !call.tools.empty())) {
    return Fail(Code::kInvalidRequest,
                "a completions call needs a prompt, and takes neither messages nor tools");
  }
  return {};
}

void WriteTool(const model::ToolSpec& tool, OllamaWriter& out, json::Writer& json) {
  if (tool.strict == true) {
    out.Degrade("tools.strict", "Ollama does not enforce the schema of a tool's arguments");
  }
  json.BeginObject();
  json.Field("type", "function");
  json.Key("function");
  json.BeginObject();
  json.Field("name", tool.name);
  if (!tool.description.empty()) json.Field("description", tool.description);
  json.Key("parameters");
  if (tool.parameters.IsNull()) {
    // The templates of models expect a schema.
    json.Raw(R"({"type":"object","properties":{}})");
  } else {
    json.Value(tool.parameters);
  }
  json.EndObject();
  json.EndObject();
}

// There is no tool_choice: "auto" is what happens, "none" is the same as no tools.
Result<void> WriteTools(OllamaWriter& out) {
  using Kind = model::ToolChoice::Kind;
  const std::vector<model::ToolSpec>& tools = out.call().tools;
  const Kind choice = out.call().tool_choice.kind;
  if (tools.empty()) {
    if (choice == Kind::kUnset || choice == Kind::kNone) return {};
    return Fail(Code::kInvalidRequest, "tool_choice is set but the call has no tools");
  }
  if (choice == Kind::kNone) {
    out.Degrade("tools", "Ollama has no tool_choice; tools that must not be called were left out");
    return {};
  }
  if (choice == Kind::kRequired || choice == Kind::kNamed) {
    WEIR_CHECK(out.Lacks("tool_choice that forces a call"));
  }
  json::Writer& json = out.Key("tools");
  json.BeginArray();
  for (const model::ToolSpec& tool : tools) WriteTool(tool, out, json);
  json.EndArray();
  return {};
}

// The words for efforts are more than Ollama's three; others are left for it to judge.
std::string_view LevelOf(std::string_view effort) {
  if (effort == "minimal") return "low";
  if (effort == "xhigh" || effort == "max") return "high";
  return effort;
}

void WriteThink(OllamaWriter& out) {
  const model::Reasoning& reasoning = out.call().reasoning;
  const std::string effort = reasoning.effort.value_or("");
  if (effort.empty() && !reasoning.enable) return;
  const bool on = reasoning.enable.value_or(effort != "none");
  if (!effort.empty() && on == (effort == "none")) {
    out.Degrade("reasoning_effort", "the call's own reasoning switch wins over it");
  }
  if (!on || effort.empty() || effort == "none") return out.SetBool("think", on);
  const std::string_view level = LevelOf(effort);
  if (level != effort) {
    out.Degrade("reasoning_effort",
                StrCat("Ollama knows low, medium and high; ", effort, " was sent as ", level));
  }
  out.SetText("think", level);
}

void WriteLogprobs(OllamaWriter& out) {
  const std::int64_t top = out.call().sampling.logprobs.value_or(-1);
  if (top < 0) return;
  out.SetBool("logprobs", true);
  if (top > 0) out.Key("top_logprobs").Int(top);
}

// Ollama answers a prompt that does not fit with what is left of it, and does not say so, unless it
// is told to refuse. Who asks for a cut prompt gets one.
void WriteTruncate(OllamaWriter& out) {
  const Call& call = out.call();
  const bool may_cut = call.sampling.truncate_prompt_tokens == -1;
  if (may_cut || call.extra.Find("truncate").exists()) return;
  out.SetBool("truncate", false);
}

Result<void> WriteMembers(OllamaWriter& out) {
  const Call& call = out.call();
  out.SetText("model", call.adapter.empty() ? call.model : call.adapter);
  if (out.chat()) {
    WEIR_CHECK(WriteOllamaMessages(out));
  } else {
    out.SetText("prompt", call.prompt);
    const bool has_suffix = call.suffix && !call.suffix->empty();
    if (has_suffix) out.SetText("suffix", *call.suffix);
    if (!has_suffix) out.SetBool("raw", true);
  }
  WEIR_CHECK(WriteTools(out));
  WEIR_CHECK(WriteOllamaFormat(out));
  WEIR_CHECK(WriteOllamaOptions(out));
  WriteThink(out);
  WriteLogprobs(out);
  for (const Missing& missing : kMissing) {
    if (!missing.asked(call)) continue;
    if (missing.missing == IfMissing::kDrop) {
      out.Degrade(std::string(missing.field), WhyMissing(missing.field));
    } else {
      WEIR_CHECK(out.Lacks(missing.field));
    }
  }
  WriteTruncate(out);
  out.SetBool("stream", out.stream());
  return {};
}

}  // namespace

OllamaWriter::OllamaWriter(const Call& call, const EncodeOptions& options)
    : call_(call), options_(options), json_(body_) {
  json_.BeginObject();
}

json::Writer& OllamaWriter::Key(std::string_view name) {
  keys_.push_back(name);
  json_.PlainKey(name);
  return json_;
}

Result<void> OllamaWriter::Lacks(std::string_view what) {
  if (!options_.degrade) {
    return Fail(Code::kUnsupportedParam,
                StrCat(WhyMissing(what), ": leave it out, or use an engine of the kind vllm"));
  }
  Degrade(std::string(what), WhyMissing(what));
  return {};
}

void OllamaWriter::Degrade(std::string what, std::string why) {
  if (std::ranges::find(degradations_, what, &model::Degradation::what) != degradations_.end()) {
    return;
  }
  degradations_.push_back({std::move(what), std::move(why)});
}

Result<EncodedRequest> OllamaWriter::Finish(std::string_view path) && {
  WEIR_CHECK(WriteExtra(
      call_.extra,
      {.reserved = kReserved, .written = keys_, .joined = "options", .dialect = &options_.dialect},
      json_, degradations_));
  json_.EndObject();
  return EncodedRequest{.path = path,
                        .body = std::move(body_),
                        .degradations = std::move(degradations_),
                        .quoted_answer = quoted_answer_};
}

Result<EncodedRequest> EncodeOllamaRequest(const Call& call, const EncodeOptions& options) {
  WEIR_CHECK(Check(call));
  OllamaWriter out(call, options);
  WEIR_CHECK(WriteMembers(out));
  return std::move(out).Finish(out.chat() ? "/api/chat" : "/api/generate");
}

}  // namespace weir::wire
