#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/wire/media.h"
#include "weir/wire/ollama_client_writer.h"

namespace weir::wire {
namespace {

using model::Message;
using model::Part;
using model::Role;

std::string_view RoleWord(Role role) {
  return role == Role::kDeveloper ? "system" : model::RoleName(role);
}

std::string_view NameOf(Part::Kind kind) {
  switch (kind) {
    case Part::Kind::kText:
      return "text";
    case Part::Kind::kImage:
      return "images";
    case Part::Kind::kAudio:
      return "audio";
    case Part::Kind::kVideo:
      return "video";
    case Part::Kind::kFile:
      return "files";
    case Part::Kind::kRaw:
      return "parts of other types";
  }
  std::unreachable();
}

// The base64 of an image.
Result<std::string_view> ImageData(const Part& part) {
  const std::string_view url = part.url;
  const std::size_t mark = url.find(kBase64Mark);
  if (url.starts_with("data:") && mark != url.npos) return url.substr(mark + kBase64Mark.size());
  return Fail(Code::kUnsupportedParam,
              "Ollama takes an image only inside the request: send it as a data: URL in base64 "
              "instead of an address");
}

// The arguments of a call as an object; an absent value when the model wrote something else.
Result<json::Value> ArgumentsOf(const model::ToolCall& call) {
  return json::Read(call.arguments.empty() ? "{}" : call.arguments);
}

// What one message says in Ollama's terms: one text, then images, then calls.
struct Content {
  std::string text;
  std::vector<std::string_view> images;
  std::vector<std::pair<const model::ToolCall*, json::Value>> calls;
};

Result<Content> ContentOf(const Message& message, OllamaWriter& out) {
  Content content;
  bool first = true;
  for (const Part& part : message.parts) {
    if (part.kind == Part::Kind::kText) {
      StrAppend(content.text, first ? "" : "\n", part.text);
      first = false;
      continue;
    }
    if (part.kind != Part::Kind::kImage) {
      return Fail(Code::kUnsupportedParam,
                  StrCat("Ollama takes no ", NameOf(part.kind),
                         " in messages: send text and images, or use another engine"));
    }
    WEIR_TRY(const std::string_view data, ImageData(part));
    content.images.push_back(data);
    if (!part.detail.empty() && part.detail != "auto") {
      out.Degrade("messages.detail", "Ollama has one resolution for images");
    }
  }
  for (const model::ToolCall& call : message.tool_calls) {
    auto arguments = ArgumentsOf(call);
    if (arguments && arguments->IsObject()) {
      content.calls.emplace_back(&call, *std::move(arguments));
    } else {
      content.text += call.arguments;
      out.Degrade("messages.tool_calls",
                  "Ollama takes arguments of a call only as a JSON object; others were sent as the "
                  "text that the model wrote");
    }
  }
  return content;
}

// Whose result message `at` is: its own name, or that of the call before it, found by id or, when
// the calls have none, by order.
std::string_view ToolNameOf(const std::vector<Message>& messages, std::size_t at) {
  const Message& result = messages[at];
  if (!result.name.empty()) return result.name;
  std::size_t place = 0;
  while (at > 0) {
    const Message& before = messages[--at];
    for (const model::ToolCall& call : before.tool_calls) {
      if (!result.tool_call_id.empty() && call.id == result.tool_call_id) return call.name;
    }
    if (before.role == Role::kTool) {
      ++place;
    } else if (!before.tool_calls.empty() && result.tool_call_id.empty()) {
      return place < before.tool_calls.size() ? std::string_view(before.tool_calls[place].name)
                                              : std::string_view();
    }
  }
  return {};
}

void WriteCalls(const Content& content, json::Writer& json) {
  json.BeginArray();
  for (const auto& [call, arguments] : content.calls) {
    json.BeginObject();
    if (!call->id.empty()) json.Field("id", call->id);
    json.Key("function");
    json.BeginObject();
    json.Field("name", call->name);
    json.Field("arguments", arguments);
    json.EndObject();
    json.EndObject();
  }
  json.EndArray();
}

bool IsComputedKey(std::string_view key, const Content& content, const Message& message,
                   std::string_view tool_name) {
  return key == "role" || key == "content" || (key == "images" && !content.images.empty()) ||
         (key == "thinking" && !message.reasoning.empty()) ||
         (key == "tool_calls" && !content.calls.empty()) ||
         (key == "tool_name" && !tool_name.empty()) ||
         (key == "tool_call_id" && !message.tool_call_id.empty());
}

void WriteExtra(const Message& message, const Content& content, std::string_view tool_name,
                OllamaWriter& out, json::Writer& json) {
  for (const json::Member member : message.extra.members()) {
    if (IsComputedKey(member.key, content, message, tool_name)) {
      out.Degrade(StrCat("messages.", member.key),
                  "the message sets this field itself; that of its extra fields lost");
    } else if (!member.value.IsNull()) {
      json.Field(member.key, member.value);
    }
  }
}

Result<void> WriteMessage(std::size_t at, OllamaWriter& out, json::Writer& json) {
  const std::vector<Message>& messages = out.call().messages;
  const Message& message = messages[at];
  const bool result = message.role == Role::kTool;
  const std::string_view tool_name = result ? ToolNameOf(messages, at) : std::string_view();
  if (!result && !message.name.empty()) {
    out.Degrade("messages.name", "Ollama has no names of authors");
  }
  WEIR_TRY(const Content content, ContentOf(message, out));
  json.BeginObject();
  json.Field("role", RoleWord(message.role));
  json.Field("content", content.text);
  if (!content.images.empty()) {
    json.Key("images");
    json.BeginArray();
    for (const std::string_view image : content.images) json.String(image);
    json.EndArray();
  }
  if (!message.reasoning.empty()) json.Field("thinking", message.reasoning);
  if (!content.calls.empty()) {
    json.Key("tool_calls");
    WriteCalls(content, json);
  }
  if (!tool_name.empty()) json.Field("tool_name", tool_name);
  if (!message.tool_call_id.empty()) json.Field("tool_call_id", message.tool_call_id);
  WriteExtra(message, content, tool_name, out, json);
  json.EndObject();
  return {};
}

}  // namespace

Result<void> WriteOllamaMessages(OllamaWriter& out) {
  json::Writer& json = out.Key("messages");
  json.BeginArray();
  for (std::size_t at = 0; at < out.call().messages.size(); ++at) {
    WEIR_CHECK(WriteMessage(at, out, json));
  }
  json.EndArray();
  return {};
}

}  // namespace weir::wire
