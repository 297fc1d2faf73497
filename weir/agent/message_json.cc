#include "weir/agent/message_json.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "weir/base/text.h"

namespace weir::agent {
namespace {

using model::Message;
using model::Part;

struct PartName {
  Part::Kind kind;
  std::string_view name;
};
constexpr std::array kPartNames = {
    PartName{Part::Kind::kText, "text"},   PartName{Part::Kind::kImage, "image"},
    PartName{Part::Kind::kAudio, "audio"}, PartName{Part::Kind::kVideo, "video"},
    PartName{Part::Kind::kFile, "file"},
};

struct PartField {
  std::string_view name;
  std::string Part::* field;
};
constexpr std::array kPartFields = {
    PartField{"text", &Part::text},     PartField{"url", &Part::url},
    PartField{"format", &Part::format}, PartField{"detail", &Part::detail},
    PartField{"uuid", &Part::uuid},
};

void OptionalField(json::Writer& out, std::string_view key, const std::string& text) {
  if (!text.empty()) out.Field(key, text);
}

void WriteContent(json::Writer& out, const std::vector<Part>& parts) {
  out.PlainKey("content");
  if (parts.size() == 1 && parts.front().kind == Part::Kind::kText) {
    return out.String(parts.front().text);
  }
  out.BeginArray();
  for (const Part& part : parts) {
    const auto known = std::ranges::find(kPartNames, part.kind, &PartName::kind);
    out.BeginObject();
    if (known == kPartNames.end()) {
      out.Field("raw", json::View(part.raw));
    } else {
      out.Field("type", known->name);
      for (const auto& [name, field] : kPartFields) OptionalField(out, name, part.*field);
    }
    out.EndObject();
  }
  out.EndArray();
}

Error Wrong(std::string_view what) {
  return {.code = Code::kInvalidJson, .message = StrCat("a message of a conversation ", what)};
}

Result<Part> ReadPart(json::View json) {
  Part part;
  if (const json::View raw = json.Find("raw"); raw.exists()) {
    part.kind = Part::Kind::kRaw;
    part.raw = json::Value::CopyOf(raw);
    return part;
  }
  const auto known = std::ranges::find(kPartNames, json.Find("type").StringOr(""), &PartName::name);
  if (known == kPartNames.end()) return Fail(Wrong("has a part of no known type"));
  part.kind = known->kind;
  for (const auto& [name, field] : kPartFields) part.*field = json.Find(name).StringOr("");
  return part;
}

}  // namespace

void WriteMessage(json::Writer& out, const Message& message) {
  out.BeginObject();
  WriteMessageMembers(out, message);
  out.EndObject();
}

void WriteMessageMembers(json::Writer& out, const Message& message) {
  out.Field("role", model::RoleName(message.role));
  if (!message.parts.empty()) WriteContent(out, message.parts);
  OptionalField(out, "reasoning", message.reasoning);
  if (!message.tool_calls.empty()) {
    out.PlainKey("tool_calls");
    out.BeginArray();
    for (const model::ToolCall& call : message.tool_calls) {
      out.BeginObject();
      out.Field("id", call.id);
      out.Field("name", call.name);
      out.Field("arguments", call.arguments);
      out.EndObject();
    }
    out.EndArray();
  }
  OptionalField(out, "tool_call_id", message.tool_call_id);
  OptionalField(out, "name", message.name);
}

Result<Message> ReadMessage(json::View json) {
  Message message;
  const std::optional<model::Role> role = model::ParseRole(json.Find("role").StringOr(""));
  if (!role) return Fail(Wrong("has no role"));
  message.role = *role;
  const json::View content = json.Find("content");
  if (const auto text = content.AsString()) {
    message.parts.push_back({.text = std::string(*text)});
  }
  for (const json::View item : content.items()) {
    WEIR_TRY(Part part, ReadPart(item));
    message.parts.push_back(std::move(part));
  }
  message.reasoning = json.Find("reasoning").StringOr("");
  for (const json::View call : json.Find("tool_calls").items()) {
    message.tool_calls.push_back({.id = std::string(call.Find("id").StringOr("")),
                                  .name = std::string(call.Find("name").StringOr("")),
                                  .arguments = std::string(call.Find("arguments").StringOr(""))});
  }
  message.tool_call_id = json.Find("tool_call_id").StringOr("");
  message.name = json.Find("name").StringOr("");
  return message;
}

}  // namespace weir::agent
