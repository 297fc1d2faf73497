// Replies and chunks in the form of OpenAI's server, and of Ollama's /v1.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/encode_parts.h"
#include "weir/wire/openai_server.h"

namespace weir::wire {
namespace {

using model::Api;

constexpr std::string_view kOllamaFingerprint = "fp_ollama";

bool IsOllama(const Dialect& dialect) { return dialect.kind == ServerKind::kOllama; }

void WriteLogprobs(Api api, std::span<const model::Token> tokens, json::Writer& out) {
  out.Key("logprobs");
  if (tokens.empty()) {
    out.Null();
  } else if (api == Api::kChat) {
    WriteChatLogprobs(tokens, out, true);
  } else {
    WriteTextLogprobs(tokens, out);
  }
}

void WriteFunction(std::string_view name, std::string_view arguments, json::Writer& out) {
  out.Key("function");
  out.BeginObject();
  if (!name.empty()) out.Field("name", name);
  out.Field("arguments", arguments);
  out.EndObject();
}

void WriteUsageOf(Api api, const model::Usage& usage, const Dialect& dialect, json::Writer& out) {
  out.BeginObject();
  WriteInt("prompt_tokens", usage.prompt_tokens.value_or(0), out);
  WriteInt("completion_tokens", usage.completion_tokens.value_or(0), out);
  WriteInt("total_tokens", usage.total_tokens.value_or(0), out);
  if (api == Api::kChat && !IsOllama(dialect)) {
    out.Key("prompt_tokens_details");
    out.BeginObject();
    WriteInt("cached_tokens", usage.cached_tokens.value_or(0), out);
    WriteInt("audio_tokens", 0, out);
    out.EndObject();
    out.Key("completion_tokens_details");
    out.BeginObject();
    WriteInt("reasoning_tokens", usage.reasoning_tokens.value_or(0), out);
    WriteInt("audio_tokens", 0, out);
    WriteInt("accepted_prediction_tokens", 0, out);
    WriteInt("rejected_prediction_tokens", 0, out);
    out.EndObject();
  }
  out.EndObject();
}

void WriteMessage(const model::Choice& choice, const Dialect& dialect, json::Writer& out) {
  out.Key("message");
  out.BeginObject();
  out.Field("role", "assistant");
  const bool silent =
      choice.text.empty() && (!choice.tool_calls.empty() || !choice.refusal.empty());
  if (silent && !IsOllama(dialect)) {
    WriteNull("content", out);
  } else {
    out.Field("content", choice.text);
  }
  if (IsOllama(dialect) && !choice.reasoning.empty()) out.Field("reasoning", choice.reasoning);
  if (!choice.tool_calls.empty()) {
    out.Key("tool_calls");
    out.BeginArray();
    for (const model::ToolCall& call : choice.tool_calls) {
      out.BeginObject();
      out.Field("id", call.id);
      out.Field("type", "function");
      WriteFunction(call.name, call.arguments, out);
      out.EndObject();
    }
    out.EndArray();
  }
  if (!IsOllama(dialect)) {
    WriteTextOrNull("refusal", choice.refusal, out);
    out.Key("annotations");
    out.BeginArray();
    out.EndArray();
  }
  out.EndObject();
}

void WriteChoice(Api api, const model::Choice& choice, const Dialect& dialect, json::Writer& out) {
  out.BeginObject();
  if (api == Api::kChat) {
    WriteInt("index", choice.index, out);
    WriteMessage(choice, dialect, out);
  } else {
    out.Field("text", choice.text);
    WriteInt("index", choice.index, out);
  }
  WriteLogprobs(api, choice.tokens, out);
  WriteTextOrNull("finish_reason", FinishWord(choice.finish, choice.finish_text), out);
  out.EndObject();
}

std::string_view FingerprintOf(const model::ReplyInfo& info, const Dialect& dialect) {
  return IsOllama(dialect) ? kOllamaFingerprint : std::string_view(info.system_fingerprint);
}

void WriteDelta(const model::Delta& delta, const Dialect& dialect, json::Writer& out) {
  out.BeginObject();
  if (!delta.text.empty()) out.Field("content", delta.text);
  if (IsOllama(dialect) && !delta.reasoning.empty()) out.Field("reasoning", delta.reasoning);
  if (!IsOllama(dialect) && !delta.refusal.empty()) out.Field("refusal", delta.refusal);
  if (!delta.tool_calls.empty()) {
    out.Key("tool_calls");
    out.BeginArray();
    for (const model::ToolCallDelta& call : delta.tool_calls) {
      out.BeginObject();
      WriteInt("index", call.index, out);
      if (!call.id.empty()) {
        out.Field("id", call.id);
        out.Field("type", "function");
      }
      WriteFunction(call.name, call.arguments, out);
      out.EndObject();
    }
    out.EndArray();
  }
  out.EndObject();
}

}  // namespace

std::string EncodeOpenAiReply(Api api, const model::Reply& reply, const Dialect& dialect) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("id", reply.info.id);
  out.Field("object", api == Api::kChat ? "chat.completion" : "text_completion");
  WriteInt("created", reply.info.created, out);
  out.Field("model", reply.info.model);
  out.Key("choices");
  out.BeginArray();
  for (const model::Choice& choice : reply.choices) WriteChoice(api, choice, dialect, out);
  out.EndArray();
  out.Key("usage");
  WriteUsageOf(api, reply.usage, dialect, out);
  if (api == Api::kChat && !IsOllama(dialect)) out.Field("service_tier", "default");
  WriteTextOrNull("system_fingerprint", FingerprintOf(reply.info, dialect), out);
  out.EndObject();
  return body;
}

std::string ChunkEncoder::ForeignPrefix() const {
  const bool chat = options_.api == Api::kChat;
  std::string prefix = "data: ";
  json::Writer out(prefix);
  out.BeginObject();
  out.Field("id", info_.id);
  out.Field("object", chat ? "chat.completion.chunk" : "text_completion");
  WriteInt("created", info_.created, out);
  out.Field("model", info_.model);
  if (chat && !IsOllama(options_.dialect)) out.Field("service_tier", "default");
  WriteTextOrNull("system_fingerprint", FingerprintOf(info_, options_.dialect), out);
  prefix += ",\"choices\":[";
  return prefix;
}

// One event; `fill` writes the members of its choice behind the index.
template <class Fill>
void ChunkEncoder::AppendForeignChoice(std::int64_t choice, std::string_view finish,
                                       std::span<const model::Token> tokens, std::string& out,
                                       Fill fill) const {
  out += prefix_;
  json::Writer json(out);
  json.BeginObject();
  if (options_.api == Api::kChat) WriteInt("index", choice, json);
  fill(json);
  if (options_.api != Api::kChat) WriteInt("index", choice, json);
  WriteLogprobs(options_.api, tokens, json);
  WriteTextOrNull("finish_reason", finish, json);
  json.EndObject();
  StrAppend(out, "]", options_.include_usage ? ",\"usage\":null" : "", "}\n\n");
}

// OpenAI tells the role first and the finish last, each in a chunk of its own. It keeps thoughts to
// itself.
void ChunkEncoder::AppendForeign(const model::Delta& delta, std::string& out) {
  const Dialect& dialect = options_.dialect;
  const bool chat = options_.api == Api::kChat;
  const bool thinks = IsOllama(dialect) && !delta.reasoning.empty();
  const bool refuses = chat && !IsOllama(dialect) && !delta.refusal.empty();
  if (chat && std::ranges::find(opened_, delta.choice) == opened_.end()) {
    opened_.push_back(delta.choice);
    AppendForeignChoice(delta.choice, {}, {}, out, [&](json::Writer& json) {
      const bool calls = !delta.tool_calls.empty() && delta.text.empty();
      json.Key("delta");
      json.Raw(IsOllama(dialect) ? R"({"role":"assistant","content":""})"
               : refuses         ? R"({"role":"assistant","content":null,"refusal":""})"
               : calls           ? R"({"role":"assistant","content":null,"refusal":null})"
                                 : R"({"role":"assistant","content":"","refusal":null})");
    });
  }
  if (!delta.text.empty() || thinks || refuses || !delta.tool_calls.empty() ||
      !delta.tokens.empty()) {
    AppendForeignChoice(delta.choice, {}, delta.tokens, out, [&](json::Writer& json) {
      if (chat) {
        json.Key("delta");
        WriteDelta(delta, dialect, json);
      } else {
        json.Field("text", delta.text);
      }
    });
  }
  if (delta.finish == model::Finish::kNone) return;
  AppendForeignChoice(delta.choice, FinishWord(delta.finish, delta.finish_text), {}, out,
                      [&](json::Writer& json) {
                        json.Key(chat ? "delta" : "text");
                        json.Raw(chat ? "{}" : "\"\"");
                      });
}

void ChunkEncoder::AppendForeignEnd(const model::Usage& usage, std::string& out) const {
  if (options_.include_usage) {
    StrAppend(out, prefix_, "],\"usage\":");
    json::Writer json(out);
    WriteUsageOf(options_.api, usage, options_.dialect, json);
    out += "}\n\n";
  }
  out += kDoneEvent;
}

}  // namespace weir::wire
