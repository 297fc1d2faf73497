#include <utility>

#include "weir/base/text.h"
#include "weir/wire/media.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {
namespace {

using model::Message;
using model::Part;

// Whether the part's name is sent: the cache of media that it speaks to is vLLM's.
bool SendsUuid(const Part& part, RequestWriter& out) {
  if (part.uuid.empty()) return false;
  if (out.openai()) out.Degrade("messages.uuid", "OpenAI has no cache of media by name");
  return !out.openai();
}

void WriteUrlPart(std::string_view type, const Part& part, RequestWriter& out, json::Writer& json) {
  json.BeginObject();
  json.Field("type", type);
  json.Key(type);
  json.BeginObject();
  json.Field("url", part.url);
  if (!part.detail.empty()) json.Field("detail", part.detail);
  json.EndObject();
  if (SendsUuid(part, out)) json.Field("uuid", part.uuid);
  json.EndObject();
}

Result<void> WriteAudioPart(const Part& part, RequestWriter& out, json::Writer& json) {
  const std::optional<InlineAudio> audio = ReadInlineAudio(part);
  if (!audio && out.openai()) {
    return out.Refuse("messages.audio",
                      "OpenAI fetches no audio: send it inline, as a data: URL with base64");
  }
  if (!audio) {
    WriteUrlPart("audio_url", part, out, json);
    return {};
  }
  json.BeginObject();
  json.Field("type", "input_audio");
  json.Key("input_audio");
  json.BeginObject();
  json.Field("data", audio->data);
  json.Field("format", audio->format);
  json.EndObject();
  if (SendsUuid(part, out)) json.Field("uuid", part.uuid);
  json.EndObject();
  return {};
}

Result<void> WriteFilePart(const Part& part, RequestWriter& out, json::Writer& json) {
  if (!out.openai()) {
    return out.Refuse("messages.file", StrCat("vLLM takes no files in messages (", part.format,
                                              "): send the file's text, or its pages as images"));
  }
  if (!part.url.starts_with("data:")) {
    return out.Refuse("messages.file",
                      StrCat("the chat API of OpenAI fetches no files (", part.format,
                             "): send it inline, as a data: URL, or use the responses API"));
  }
  json.BeginObject();
  json.Field("type", "file");
  json.Key("file");
  json.BeginObject();
  if (!part.format.empty()) json.Field("filename", part.format);
  json.Field("file_data", part.url);
  json.EndObject();
  json.EndObject();
  return {};
}

Result<void> WritePart(const Part& part, RequestWriter& out, json::Writer& json) {
  switch (part.kind) {
    case Part::Kind::kText:
      json.BeginObject();
      json.Field("type", "text");
      json.Field("text", part.text);
      json.EndObject();
      return {};
    case Part::Kind::kImage:
      WriteUrlPart("image_url", part, out, json);
      return {};
    case Part::Kind::kVideo:
      if (out.openai()) {
        return out.Refuse("messages.video", "OpenAI takes no videos: send some frames as images");
      }
      WriteUrlPart("video_url", part, out, json);
      return {};
    case Part::Kind::kAudio:
      return WriteAudioPart(part, out, json);
    case Part::Kind::kFile:
      return WriteFilePart(part, out, json);
    case Part::Kind::kRaw:
      if (!part.raw.IsObject()) {
        return Fail(Code::kInvalidRequest, "a raw part of a message must be a JSON object");
      }
      json.Value(part.raw);
      return {};
  }
  std::unreachable();
}

Result<void> WriteContent(const Message& message, RequestWriter& out, json::Writer& json) {
  if (message.parts.empty()) return {};
  json.Key("content");
  if (message.parts.size() == 1 && message.parts[0].kind == Part::Kind::kText) {
    json.String(message.parts[0].text);
    return {};
  }
  json.BeginArray();
  for (const Part& part : message.parts) {
    WEIR_CHECK(WritePart(part, out, json));
  }
  json.EndArray();
  return {};
}

void WriteReplayedReasoning(const Message& message, RequestWriter& out, json::Writer& json) {
  if (message.reasoning.empty()) return;
  if (out.openai()) {
    out.Degrade("messages.reasoning", "OpenAI takes no thoughts back: they were left out");
    return;
  }
  out.SetVersionMatters();
  const Dialect& dialect = out.dialect();
  if (dialect.reasoning != ReasoningField::kReasoningContent) {
    json.Field("reasoning", message.reasoning);
  }
  if (dialect.reasoning != ReasoningField::kReasoning) {
    json.Field("reasoning_content", message.reasoning);
  }
}

void WriteToolCalls(const Message& message, json::Writer& json) {
  if (message.tool_calls.empty()) return;
  json.Key("tool_calls");
  json.BeginArray();
  for (const model::ToolCall& call : message.tool_calls) {
    json.BeginObject();
    json.Field("id", call.id);
    json.Field("type", "function");
    json.Key("function");
    json.BeginObject();
    json.Field("name", call.name);
    json.Field("arguments", call.arguments);
    json.EndObject();
    json.EndObject();
  }
  json.EndArray();
}

bool IsComputedKey(std::string_view key, const Message& message) {
  return key == "role" || (key == "name" && !message.name.empty()) ||
         (key == "content" && !message.parts.empty()) ||
         ((key == "reasoning" || key == "reasoning_content") && !message.reasoning.empty()) ||
         (key == "tool_calls" && !message.tool_calls.empty()) ||
         (key == "tool_call_id" && !message.tool_call_id.empty());
}

Result<void> WriteMessage(const Message& message, RequestWriter& out, json::Writer& json) {
  json.BeginObject();
  json.Field("role", model::RoleName(message.role));
  if (!message.name.empty()) json.Field("name", message.name);
  WEIR_CHECK(WriteContent(message, out, json));
  WriteReplayedReasoning(message, out, json);
  WriteToolCalls(message, json);
  if (!message.tool_call_id.empty()) json.Field("tool_call_id", message.tool_call_id);
  for (const json::Member member : message.extra.members()) {
    if (IsComputedKey(member.key, message)) {
      out.Degrade(StrCat("messages.", member.key),
                  "the message sets this field itself; that of its extra fields lost");
    } else if (!member.value.IsNull()) {
      json.Field(member.key, member.value);
    }
  }
  json.EndObject();
  return {};
}

}  // namespace

Result<void> WriteMessages(RequestWriter& out) {
  json::Writer& json = out.Key("messages");
  json.BeginArray();
  for (const Message& message : out.call().messages) {
    WEIR_CHECK(WriteMessage(message, out, json));
  }
  json.EndArray();
  return {};
}

}  // namespace weir::wire
