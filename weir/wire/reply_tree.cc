#include "weir/wire/reply_tree.h"

#include <utility>

#include "weir/wire/codec.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/reply_parts.h"

namespace weir::wire {
namespace {

Result<void> DecodeMessage(json::View message, model::Choice& out) {
  WEIR_CHECK(ReadContent(message, out.text, out.reasoning));
  out.refusal = StringOf(message.Find("refusal"));
  for (const json::View entry : message.Find("tool_calls").items()) {
    const json::View function = entry.Find("function");
    model::ToolCall& call = out.tool_calls.emplace_back();
    call.id = StringOf(entry.Find("id"));
    call.name = StringOf(function.Find("name"));
    call.arguments = CallArgumentsOf(function);
  }
  return {};
}

Result<model::Choice> DecodeChoice(model::Api api, json::View choice, std::int64_t position) {
  model::Choice out;
  out.index = choice.Find("index").AsInt64().value_or(position);
  if (api == model::Api::kChat) {
    WEIR_CHECK(DecodeMessage(choice.Find("message"), out));
  } else {
    out.text = StringOf(choice.Find("text"));
  }
  out.tokens = DecodeLogprobs(choice.Find("logprobs"));
  out.token_ids = IntsOf(choice.Find("token_ids"));
  const json::View prompt_logprobs = choice.Find("prompt_logprobs");
  if (IsSet(prompt_logprobs)) out.prompt_logprobs = json::Value::CopyOf(prompt_logprobs);
  DecodeFinish(choice, out.finish, out.finish_text, out.stop_reason);
  out.extra = UnknownMembers(choice, {"index", "message", "text", "logprobs", "token_ids",
                                      "prompt_logprobs", "finish_reason", "stop_reason"});
  return out;
}

}  // namespace

Result<model::Reply> DecodeReplyTree(model::Api api, std::string_view body) {
  WEIR_TRY(const json::Value root, ReadReplyBody(body));
  const json::View choices = root.Find("choices");
  if (IsSet(root.Find("error")) || root.Find("object").StringOr("") == "error") {
    const Error error = DecodeError(0, body);
    return Fail(Code::kProtocolError, "the server answered with an error in it", error.message);
  }
  if (!choices.IsArray()) {
    return Fail(
        Code::kProtocolError,
        "the server answered with JSON that is not a reply: it has no choices; is the base URL "
        "that of a model server?",
        Quoted(body));
  }
  if (choices.empty()) {
    return Fail(Code::kEmptyModelResponse, "the server answered without any choice");
  }

  model::Reply reply;
  reply.info.id = StringOf(root.Find("id"));
  reply.info.model = StringOf(root.Find("model"));
  reply.info.created = root.Find("created").AsInt64().value_or(0);
  reply.info.system_fingerprint = StringOf(root.Find("system_fingerprint"));
  for (const json::View choice : choices.items()) {
    WEIR_TRY(model::Choice decoded,
             DecodeChoice(api, choice, static_cast<std::int64_t>(reply.choices.size())));
    reply.choices.push_back(std::move(decoded));
  }
  reply.usage = DecodeUsage(root.Find("usage"));
  const json::View prompt_logprobs = root.Find("prompt_logprobs");
  if (IsSet(prompt_logprobs)) reply.prompt_logprobs = json::Value::CopyOf(prompt_logprobs);
  const json::View prompt_token_ids = root.Find("prompt_token_ids");
  if (IsSet(prompt_token_ids)) reply.prompt_token_ids = json::Value::CopyOf(prompt_token_ids);
  reply.extra = UnknownMembers(root, {"id", "object", "model", "created", "system_fingerprint",
                                      "choices", "usage", "prompt_logprobs", "prompt_token_ids"});
  return reply;
}

}  // namespace weir::wire
