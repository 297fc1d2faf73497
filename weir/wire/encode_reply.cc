#include <algorithm>
#include <initializer_list>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/encode_parts.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/openai_server.h"

namespace weir::wire {
namespace {

// The first version in which each member stands in whole replies.
constexpr Version kReasoning{0, 7, 0};  // before it, thoughts are part of the text
constexpr Version kKvTransfer{0, 9, 2};
constexpr Version kNewest{0, 28, 0};  // routed_experts, ec_transfer_params, metrics

// A member that only the unknown fields of a reply can fill.
void WriteFrom(json::View extra, std::string_view key, json::Writer& out) {
  const json::View value = extra.Find(key);
  if (value.exists()) {
    out.Field(key, value);
  } else {
    WriteNull(key, out);
  }
}

void WriteIds(std::string_view key, const std::vector<std::int64_t>& ids, json::Writer& out) {
  out.Key(key);
  if (ids.empty()) {
    out.Null();
  } else {
    WriteInts(ids, out);
  }
}

void WriteToolCalls(const std::vector<model::ToolCall>& calls, json::Writer& out) {
  out.Key("tool_calls");
  out.BeginArray();
  for (const model::ToolCall& call : calls) {
    out.BeginObject();
    out.Field("id", call.id);
    out.Field("type", "function");
    out.Key("function");
    out.BeginObject();
    out.Field("name", call.name);
    out.Field("arguments", call.arguments);
    out.EndObject();
    out.EndObject();
  }
  out.EndArray();
}

void WriteReasoning(const std::string& reasoning, const Dialect& dialect, json::Writer& out) {
  if (dialect.version < kReasoning) return;
  if (dialect.reasoning != ReasoningField::kReasoningContent) {
    WriteTextOrNull("reasoning", reasoning, out);
  }
  if (dialect.reasoning != ReasoningField::kReasoning) {
    WriteTextOrNull("reasoning_content", reasoning, out);
  }
}

void WriteMessage(const model::Choice& choice, const Dialect& dialect, bool call_forced,
                  json::Writer& out) {
  out.Key("message");
  out.BeginObject();
  out.Field("role", "assistant");
  const bool beside_call = !choice.tool_calls.empty() && !call_forced;
  const bool beside_thoughts = !choice.reasoning.empty() && choice.tool_calls.empty();
  if (dialect.version < kReasoning && !choice.reasoning.empty()) {
    out.Field("content", StrCat(kThinkBegin, choice.reasoning, kThinkEnd, choice.text));
  } else if (choice.text.empty() && (beside_call || beside_thoughts)) {
    WriteNull("content", out);
  } else {
    out.Field("content", choice.text);
  }
  if (dialect.version >= kOpenAiFields) {
    WriteTextOrNull("refusal", choice.refusal, out);
    for (const std::string_view key : {"annotations", "audio", "function_call"}) {
      WriteNull(key, out);
    }
  }
  if (!choice.tool_calls.empty() || dialect.empty_tool_calls_shown) {
    WriteToolCalls(choice.tool_calls, out);
  }
  WriteReasoning(choice.reasoning, dialect, out);
  out.EndObject();
}

// The members between the content of a choice and its end.
void WriteChoiceTail(const model::Choice& choice, json::Writer& out) {
  WriteTextOrNull("finish_reason", FinishWord(choice.finish, choice.finish_text), out);
  out.Field("stop_reason", choice.stop_reason);
}

void WriteRoutedExperts(const model::Choice& choice, const Dialect& dialect, json::Writer& out) {
  if (dialect.version >= kNewest) WriteFrom(choice.extra, "routed_experts", out);
}

void WriteChatChoice(const model::Choice& choice, const Dialect& dialect, bool call_forced,
                     json::Writer& out) {
  out.BeginObject();
  out.Key("index");
  out.Int(choice.index);
  WriteMessage(choice, dialect, call_forced, out);
  out.Key("logprobs");
  if (choice.tokens.empty()) {
    out.Null();
  } else {
    WriteChatLogprobs(choice.tokens, out);
  }
  WriteChoiceTail(choice, out);
  if (dialect.token_ids_shown) WriteIds("token_ids", choice.token_ids, out);
  WriteRoutedExperts(choice, dialect, out);
  out.EndObject();
}

void WriteTextChoice(const model::Choice& choice, const Dialect& dialect, json::Writer& out) {
  out.BeginObject();
  out.Key("index");
  out.Int(choice.index);
  out.Field("text", choice.text);
  out.Key("logprobs");
  if (choice.tokens.empty()) {
    out.Null();
  } else {
    WriteTextLogprobs(choice.tokens, out);
  }
  WriteChoiceTail(choice, out);
  if (dialect.token_ids_shown) WriteIds("token_ids", choice.token_ids, out);
  out.Field("prompt_logprobs", choice.prompt_logprobs);
  if (dialect.token_ids_shown) WriteFrom(choice.extra, "prompt_token_ids", out);
  WriteRoutedExperts(choice, dialect, out);
  out.EndObject();
}

void WriteServiceTail(const model::Reply& reply, const Dialect& dialect, json::Writer& out) {
  if (dialect.version < kOpenAiFields) return;
  WriteFrom(reply.extra, "service_tier", out);
  WriteTextOrNull("system_fingerprint",
                  dialect.fingerprint_shown ? reply.info.system_fingerprint : "", out);
}

void WriteTail(model::Api api, const model::Reply& reply, const Dialect& dialect,
               json::Writer& out) {
  if (api == model::Api::kChat) {
    out.Field("prompt_logprobs", reply.prompt_logprobs);
    if (dialect.token_ids_shown) out.Field("prompt_token_ids", reply.prompt_token_ids);
    if (dialect.prompt_text_shown) WriteFrom(reply.extra, "prompt_text", out);
  }
  if (dialect.version >= kKvTransfer) WriteFrom(reply.extra, "kv_transfer_params", out);
  if (dialect.version >= kNewest) {
    WriteFrom(reply.extra, "ec_transfer_params", out);
    WriteFrom(reply.extra, "metrics", out);
  }
  constexpr std::string_view kPlaced[] = {"service_tier", "prompt_text", "kv_transfer_params",
                                          "ec_transfer_params", "metrics"};
  for (const json::Member member : reply.extra.members()) {
    if (std::ranges::find(kPlaced, member.key) == std::end(kPlaced)) {
      out.Field(member.key, member.value);
    }
  }
}

}  // namespace

std::string EncodeReply(model::Api api, const model::Reply& reply, const Dialect& dialect,
                        bool call_forced) {
  if (dialect.kind != ServerKind::kVllm) return EncodeOpenAiReply(api, reply, dialect);
  const bool chat = api == model::Api::kChat;
  constexpr std::size_t kFrame = 1024;  // what stands around the text
  std::string body;
  body.reserve(kFrame);
  json::Writer out(body);
  out.BeginObject();
  out.Field("id", reply.info.id);
  out.Field("object", chat ? "chat.completion" : "text_completion");
  out.Key("created");
  out.Int(reply.info.created);
  out.Field("model", reply.info.model);
  out.Key("choices");
  out.BeginArray();
  for (const model::Choice& choice : reply.choices) {
    if (chat) {
      WriteChatChoice(choice, dialect, call_forced, out);
    } else {
      WriteTextChoice(choice, dialect, out);
    }
  }
  out.EndArray();
  WriteServiceTail(reply, dialect, out);
  out.Key("usage");
  WriteUsage(reply.usage, UsageForm::kWhole, dialect, out);
  WriteTail(api, reply, dialect, out);
  out.EndObject();
  return body;
}

}  // namespace weir::wire
