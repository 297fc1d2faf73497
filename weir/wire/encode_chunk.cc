#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/encode_parts.h"
#include "weir/wire/server_codec.h"

namespace weir::wire {
namespace {

constexpr Version kThoughtsParsed{0, 7, 0};

// A delta with nothing but a piece of text, or with nothing at all.
bool IsPlain(const model::Delta& delta) {
  return delta.reasoning.empty() && delta.refusal.empty() && delta.tool_calls.empty() &&
         delta.tokens.empty() && delta.token_ids.empty() && delta.finish == model::Finish::kNone;
}

// Of a choice of completions.
void WritePromptIds(const model::Delta& delta, json::Writer& out) {
  const json::View ids = delta.extra.Find("choice").Find("prompt_token_ids");
  out.Key("prompt_token_ids");
  if (ids.exists()) {
    out.Value(ids);
  } else {
    out.Null();
  }
}

bool SaysNothing(const model::Delta& delta) { return delta.text.empty() && IsPlain(delta); }

void WriteToolCalls(const std::vector<model::ToolCallDelta>& calls, json::Writer& out) {
  out.Key("tool_calls");
  out.BeginArray();
  for (const model::ToolCallDelta& call : calls) {
    out.BeginObject();
    if (!call.id.empty()) {
      out.Field("id", call.id);
      out.Field("type", "function");
    }
    out.Key("index");
    out.Int(call.index);
    out.Key("function");
    out.BeginObject();
    if (!call.name.empty()) out.Field("name", call.name);
    if (!call.arguments.empty()) out.Field("arguments", call.arguments);
    out.EndObject();
    out.EndObject();
  }
  out.EndArray();
}

void WriteDelta(const model::Delta& delta, const Dialect& dialect, json::Writer& out) {
  out.BeginObject();
  const bool refuses = !delta.refusal.empty() && dialect.version >= kOpenAiFields;
  if (!delta.text.empty() || (delta.reasoning.empty() && delta.tool_calls.empty() && !refuses)) {
    out.Field("content", delta.text);
  }
  if (refuses) out.Field("refusal", delta.refusal);
  if (dialect.reasoning != ReasoningField::kReasoningContent && !delta.reasoning.empty()) {
    out.Field("reasoning", delta.reasoning);
  }
  if (dialect.reasoning == ReasoningField::kBoth) {
    // A validator of these versions sets the old name on every delta.
    WriteTextOrNull("reasoning_content", delta.reasoning, out);
  } else if (dialect.reasoning == ReasoningField::kReasoningContent && !delta.reasoning.empty()) {
    out.Field("reasoning_content", delta.reasoning);
  }
  if (!delta.tool_calls.empty()) WriteToolCalls(delta.tool_calls, out);
  out.EndObject();
}

void WriteLogprobs(model::Api api, const model::Delta& delta, json::Writer& out) {
  out.Key("logprobs");
  if (delta.tokens.empty()) {
    out.Null();
  } else if (api == model::Api::kChat) {
    WriteChatLogprobs(delta.tokens, out);
  } else {
    WriteTextLogprobs(delta.tokens, out);
  }
}

void WriteTokenIds(const model::Delta& delta, bool asked, json::Writer& out) {
  out.Key("token_ids");
  if (asked && !delta.token_ids.empty()) {
    WriteInts(delta.token_ids, out);
  } else {
    out.Null();
  }
}

}  // namespace

ChunkEncoder::ChunkEncoder(Options options, model::ReplyInfo info)
    : options_(std::move(options)), info_(std::move(info)) {
  if (foreign()) {
    prefix_ = ForeignPrefix();
    return;
  }
  const bool chat = options_.api == model::Api::kChat;
  prefix_ = "data: {\"id\":";
  json::AppendQuoted(prefix_, info_.id);
  StrAppend(prefix_, ",\"object\":\"", chat ? "chat.completion.chunk" : "text_completion",
            "\",\"created\":", info_.created, ",\"model\":");
  json::AppendQuoted(prefix_, info_.model);
  prefix_ += ",\"choices\":[";
  if (chat) {
    plain_tail_ = options_.dialect.reasoning == ReasoningField::kBoth
                      ? ",\"reasoning_content\":null},\"logprobs\":null,\"finish_reason\":null"
                      : "},\"logprobs\":null,\"finish_reason\":null";
    if (options_.dialect.token_ids_shown) plain_tail_ += ",\"token_ids\":null";
  } else {
    plain_tail_ = ",\"logprobs\":null,\"finish_reason\":null,\"stop_reason\":null";
    if (options_.dialect.token_ids_shown) {
      plain_tail_ += ",\"prompt_token_ids\":null,\"token_ids\":null";
    }
  }
  plain_tail_ += "}]";
}

void ChunkEncoder::Append(const model::Delta& delta, std::string& out) {
  if (!delta.has_choice) return;
  if (foreign()) return AppendForeign(delta, out);
  const bool chat = options_.api == model::Api::kChat;
  if (chat && options_.dialect.version < kThoughtsParsed &&
      (!delta.reasoning.empty() || thinking_.contains(delta.choice))) {
    return AppendUnparsed(delta, out);
  }
  AppendOwn(delta, out);
}

// Nobody parsed thoughts then: they came as text, between their marks.
void ChunkEncoder::AppendUnparsed(const model::Delta& delta, std::string& out) {
  model::Delta shown = delta;
  shown.reasoning.clear();
  shown.text.clear();
  if (thinking_.insert(delta.choice).second) shown.text += kThinkBegin;
  shown.text += delta.reasoning;
  if (!delta.text.empty() || !delta.tool_calls.empty() || delta.finish != model::Finish::kNone) {
    thinking_.erase(delta.choice);
    shown.text += kThinkEnd;
  }
  shown.text += delta.text;
  AppendOwn(shown, out);
}

void ChunkEncoder::AppendOwn(const model::Delta& delta, std::string& out) {
  const bool chat = options_.api == model::Api::kChat;
  if (chat && std::ranges::find(opened_, delta.choice) == opened_.end()) {
    opened_.push_back(delta.choice);
    AppendRole(delta, out);
  }
  // What a parser swallows (the marks around a tool call) is not sent at all.
  if (chat && SaysNothing(delta)) return;
  AppendEcho(delta, out);
  out += prefix_;
  if (IsPlain(delta) && (chat || delta.extra.IsNull())) {
    StrAppend(out, "{\"index\":", delta.choice, chat ? ",\"delta\":{\"content\":" : ",\"text\":");
    json::AppendQuoted(out, delta.text);
    out += plain_tail_;
  } else {
    AppendChoice(delta, out);
    out += ']';
  }
  AppendUsage(delta.usage, out);
  if (delta.finish != model::Finish::kNone && !options_.include_usage) AppendFingerprint(out);
  out += "}\n\n";
}

void ChunkEncoder::AppendRole(const model::Delta& delta, std::string& out) const {
  const Dialect& dialect = options_.dialect;
  StrAppend(out, prefix_, "{\"index\":", delta.choice,
            ",\"delta\":{\"role\":\"assistant\",\"content\":\"\"",
            dialect.reasoning == ReasoningField::kBoth ? ",\"reasoning_content\":null" : "",
            "},\"logprobs\":null,\"finish_reason\":null}]");
  AppendUsageBefore(delta, out);
  if (dialect.token_ids_shown) {
    out += ",\"prompt_token_ids\":";
    const json::View ids = delta.extra.Find("prompt_token_ids");
    out += ids.exists() ? json::Write(ids) : "null";
  }
  if (dialect.prompt_text_shown) out += ",\"prompt_text\":null";
  out += "}\n\n";
}

// Of all choices that have their role by then.
void ChunkEncoder::AppendEcho(const model::Delta& delta, std::string& out) {
  if (options_.echo.empty() || std::exchange(echoed_, true)) return;
  for (const std::int64_t choice : opened_) {
    StrAppend(out, prefix_, "{\"index\":", choice, ",\"delta\":{\"content\":");
    json::AppendQuoted(out, options_.echo);
    out += "},\"logprobs\":null,\"finish_reason\":null}]";
    AppendUsageBefore(delta, out);
    out += "}\n\n";
  }
}

void ChunkEncoder::AppendChoice(const model::Delta& delta, std::string& out) const {
  const bool chat = options_.api == model::Api::kChat;
  const bool finished = delta.finish != model::Finish::kNone;
  json::Writer json(out);
  json.BeginObject();
  json.Key("index");
  json.Int(delta.choice);
  if (chat) {
    json.Key("delta");
    WriteDelta(delta, options_.dialect, json);
  } else {
    json.Field("text", delta.text);
  }
  WriteLogprobs(options_.api, delta, json);
  WriteTextOrNull("finish_reason", FinishWord(delta.finish, delta.finish_text), json);
  if (!chat || finished) json.Field("stop_reason", delta.stop_reason);
  if (options_.dialect.token_ids_shown) {
    if (!chat) {
      WritePromptIds(delta, json);
    }
    WriteTokenIds(delta, options_.return_token_ids, json);
  }
  json.EndObject();
}

void ChunkEncoder::AppendUsage(const std::optional<model::Usage>& usage, std::string& out) const {
  if (!options_.continuous_usage || !usage) return;
  out += ",\"usage\":";
  json::Writer json(out);
  WriteUsage(*usage, UsageForm::kContinuous, options_.dialect, json);
}

// The counts before the first word.
void ChunkEncoder::AppendUsageBefore(const model::Delta& delta, std::string& out) const {
  if (!delta.usage) return;
  model::Usage before;
  before.prompt_tokens = delta.usage->prompt_tokens;
  before.total_tokens = delta.usage->prompt_tokens;
  AppendUsage(before, out);
}

void ChunkEncoder::AppendFingerprint(std::string& out) const {
  if (!options_.dialect.fingerprint_shown || info_.system_fingerprint.empty()) return;
  out += ",\"system_fingerprint\":";
  json::AppendQuoted(out, info_.system_fingerprint);
}

void ChunkEncoder::AppendEnd(const model::Usage& usage, std::string& out) {
  if (foreign()) return AppendForeignEnd(usage, out);
  if (options_.include_usage) {
    StrAppend(out, prefix_, "],\"usage\":");
    json::Writer json(out);
    WriteUsage(usage, UsageForm::kLast, options_.dialect, json);
    AppendFingerprint(out);
    out += "}\n\n";
  }
  out += kDoneEvent;
}

void ChunkEncoder::AppendError(const ServerError& error, std::string& out) {
  StrAppend(out, "data: ", EncodeErrorEvent(error, options_.dialect), "\n\n", kDoneEvent);
}

}  // namespace weir::wire
