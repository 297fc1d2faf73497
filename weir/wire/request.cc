// The order of a body's members, the same for every call: `model` and the prompt first, then what
// rarely changes from call to call (tools, constraint), sampling, reasoning, the rest, the stream
// and the raw fields last.

#include "weir/base/text.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {
namespace {

Result<void> CheckPromptOf(const model::Call& call) {
  const bool has_prompt = !call.prompt.empty() || !call.prompt_token_ids.empty();
  if (call.api == model::Api::kChat) {
    if (call.messages.empty()) {
      return Fail(Code::kInvalidRequest, "a chat call needs at least one message");
    }
    if (has_prompt) {
      return Fail(Code::kInvalidRequest,
                  "a chat call takes messages; a prompt belongs to the completions API");
    }
    return {};
  }
  if (!call.messages.empty()) {
    return Fail(Code::kInvalidRequest,
                "a completions call takes a prompt; messages belong to the chat API");
  }
  if (!has_prompt) return Fail(Code::kInvalidRequest, "a completions call needs a prompt");
  if (!call.prompt.empty() && !call.prompt_token_ids.empty()) {
    return Fail(Code::kInvalidRequest, "the prompt is given twice, as a text and as tokens");
  }
  return {};
}

Result<void> Check(const model::Call& call, const Dialect& dialect) {
  if (call.api == model::Api::kResponses) {
    return Fail(Code::kUnsupportedParam, StrCat("the responses API is not spoken with ",
                                                dialect.name, ": use the chat API"));
  }
  WEIR_CHECK(call.sampling.Validate());
  WEIR_CHECK(CheckPromptOf(call));
  if (call.sampling.max_tokens == 0 &&
      !(call.api == model::Api::kCompletions && call.echo == true)) {
    return Fail(Code::kInvalidRequest,
                "max_tokens must be at least 1 (0 is only for completions with echo)");
  }
  return {};
}

Result<void> WritePrompt(RequestWriter& out) {
  const model::Call& call = out.call();
  if (call.prompt_token_ids.empty()) {
    out.SetText("prompt", call.prompt);
  } else {
    out.Offer("prompt", call.prompt_token_ids);
  }
  if (call.suffix) {
    WEIR_TRY(const bool carried, out.Carries("suffix"));
    if (carried) out.SetText("suffix", *call.suffix);
  }
  out.Offer("echo", call.echo);
  return {};
}

void WriteStream(RequestWriter& out) {
  if (!out.stream()) return;
  const model::Call& call = out.call();
  out.SetBool("stream", true);
  if (!call.stream_usage && !call.continuous_usage) return;
  json::Writer& json = out.Key("stream_options");
  json.BeginObject();
  json.Key("include_usage");
  json.Bool(true);
  if (call.continuous_usage) {
    if (out.openai()) {
      out.Degrade("continuous_usage", "OpenAI counts the tokens only at the end of a stream");
    } else {
      json.Key("continuous_usage_stats");
      json.Bool(true);
    }
  }
  json.EndObject();
}

Result<void> WriteMembers(RequestWriter& out) {
  const model::Call& call = out.call();
  const std::string& model = call.adapter.empty() ? call.model : call.adapter;
  if (!model.empty()) out.SetText("model", model);
  if (out.chat()) {
    WEIR_CHECK(WriteMessages(out));
    out.Offer("echo", call.echo);
    if (call.suffix) {
      WEIR_CHECK(out.Carries("suffix"));
    }
  } else {
    WEIR_CHECK(WritePrompt(out));
  }
  WEIR_CHECK(WriteTools(out));
  WEIR_CHECK(WriteConstraint(out));
  WEIR_CHECK(WriteSampling(out));
  WEIR_CHECK(WriteReasoning(out));
  WriteRequestMeta(out);
  WriteStream(out);
  return {};
}

}  // namespace

Result<EncodedRequest> EncodeRequest(const model::Call& call, const EncodeOptions& options) {
  WEIR_CHECK(Check(call, options.dialect));
  RequestWriter out(call, options);
  const Result<void> written = WriteMembers(out);
  if (out.failure()) return Fail(*out.failure());
  WEIR_CHECK(written);
  return std::move(out).Finish(out.chat() ? "/v1/chat/completions" : "/v1/completions");
}

}  // namespace weir::wire
