#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/wire/media.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {
namespace {

using model::Message;
using model::Part;

void WriteUrlPart(std::string_view type, const Part& part, json::Writer& json) {
  json.BeginObject();
  json.Field("type", type);
  json.Key(type);
  json.BeginObject();
  json.Field("url", part.url);
  if (!part.detail.empty()) json.Field("detail", part.detail);
  json.EndObject();
  if (!part.uuid.empty()) json.Field("uuid", part.uuid);
  json.EndObject();
}

void WriteAudioPart(const Part& part, json::Writer& json) {
  const std::optional<InlineAudio> audio = ReadInlineAudio(part);
  if (!audio) {
    WriteUrlPart("audio_url", part, json);
    return;
  }
  json.BeginObject();
  json.Field("type", "input_audio");
  json.Key("input_audio");
  json.BeginObject();
  json.Field("data", audio->data);
  json.Field("format", audio->format);
  json.EndObject();
  if (!part.uuid.empty()) json.Field("uuid", part.uuid);
  json.EndObject();
}

Result<void> WritePart(const Part& part, json::Writer& json) {
  switch (part.kind) {
    case Part::Kind::kText:
      json.BeginObject();
      json.Field("type", "text");
      json.Field("text", part.text);
      json.EndObject();
      return {};
    case Part::Kind::kImage:
      WriteUrlPart("image_url", part, json);
      return {};
    case Part::Kind::kVideo:
      WriteUrlPart("video_url", part, json);
      return {};
    case Part::Kind::kAudio:
      WriteAudioPart(part, json);
      return {};
    case Part::Kind::kFile:
      return Fail(Code::kUnsupportedParam,
                  StrCat("vLLM takes no files in messages (", part.format,
                         "): send the file's text, or its pages as images"));
    case Part::Kind::kRaw:
      if (!part.raw.IsObject()) {
        return Fail(Code::kInvalidRequest, "a raw part of a message must be a JSON object");
      }
      json.Value(part.raw);
      return {};
  }
  std::unreachable();
}

Result<void> WriteContent(const Message& message, json::Writer& json) {
  if (message.parts.empty()) return {};
  json.Key("content");
  if (message.parts.size() == 1 && message.parts[0].kind == Part::Kind::kText) {
    json.String(message.parts[0].text);
    return {};
  }
  json.BeginArray();
  for (const Part& part : message.parts) {
    WEIR_CHECK(WritePart(part, json));
  }
  json.EndArray();
  return {};
}

void WriteReplayedReasoning(const Message& message, const Dialect& dialect, json::Writer& json) {
  if (message.reasoning.empty()) return;
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
  WEIR_CHECK(WriteContent(message, json));
  WriteReplayedReasoning(message, out.dialect(), json);
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

void WriteTool(const model::ToolSpec& tool, json::Writer& json) {
  json.BeginObject();
  json.Field("type", "function");
  json.Key("function");
  json.BeginObject();
  json.Field("name", tool.name);
  if (!tool.description.empty()) json.Field("description", tool.description);
  if (!tool.parameters.IsNull()) json.Field("parameters", tool.parameters);
  if (tool.strict) {
    json.Key("strict");
    json.Bool(*tool.strict);
  }
  json.EndObject();
  json.EndObject();
}

Result<void> WriteToolChoice(RequestWriter& out) {
  const model::ToolChoice& choice = out.call().tool_choice;
  const std::vector<model::ToolSpec>& tools = out.call().tools;
  using Kind = model::ToolChoice::Kind;
  if (choice.kind == Kind::kUnset || (choice.kind == Kind::kNone && tools.empty())) return {};
  if (tools.empty()) {
    return Fail(Code::kInvalidRequest, "tool_choice is set but the call has no tools");
  }
  switch (choice.kind) {
    case Kind::kUnset:
      return {};
    case Kind::kAuto:
      out.SetText("tool_choice", "auto");
      return {};
    case Kind::kNone:
      out.SetText("tool_choice", "none");
      return {};
    case Kind::kRequired:
      out.SetText("tool_choice", "required");
      return {};
    case Kind::kNamed:
      break;
  }
  if (std::ranges::find(tools, choice.name, &model::ToolSpec::name) == tools.end()) {
    return Fail(Code::kInvalidRequest,
                StrCat("tool_choice names \"", choice.name, "\", which is not among the tools"));
  }
  json::Writer& json = out.Key("tool_choice");
  json.BeginObject();
  json.Field("type", "function");
  json.Key("function");
  json.BeginObject();
  json.Field("name", choice.name);
  json.EndObject();
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

Result<void> WriteTools(RequestWriter& out) {
  const model::Call& call = out.call();
  if (!call.tools.empty()) {
    WEIR_CHECK(out.Carries("tools"));
    json::Writer& json = out.Key("tools");
    json.BeginArray();
    for (const model::ToolSpec& tool : call.tools) WriteTool(tool, json);
    json.EndArray();
  }
  WEIR_CHECK(WriteToolChoice(out));
  out.Offer("parallel_tool_calls", call.parallel_tool_calls);
  return {};
}

}  // namespace weir::wire
