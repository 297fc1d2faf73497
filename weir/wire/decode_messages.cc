#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/media.h"
#include "weir/wire/request_reader.h"

namespace weir::wire {
namespace {

using model::Message;
using model::Part;

constexpr Version kEmptyToolsRefused{0, 20, 0};

// A medium by URL: {"type":"image_url","image_url":{"url":...}}, or the URL alone.
Part UrlPart(Part::Kind kind, json::View part, json::View medium) {
  Part out;
  out.kind = kind;
  out.url = StringOf(medium.IsString() ? medium : medium.Find("url"));
  out.detail = StringOf(medium.Find("detail"));
  out.uuid = StringOf(part.Find("uuid"));
  return out;
}

// The types of a part that is plain text; what has another one and a text as well is kept as it is.
bool IsTextPart(json::View part) {
  const std::string_view type = part.Find("type").StringOr("text");
  return part.Find("text").IsString() &&
         (type == "text" || type == "input_text" || type == "output_text");
}

Part DecodePart(json::View part) {
  if (part.IsString()) return {.kind = Part::Kind::kText, .text = StringOf(part)};
  if (IsTextPart(part)) {
    return {.kind = Part::Kind::kText, .text = StringOf(part.Find("text"))};
  }
  constexpr std::pair<std::string_view, Part::Kind> kMedia[] = {{"image_url", Part::Kind::kImage},
                                                                {"video_url", Part::Kind::kVideo},
                                                                {"audio_url", Part::Kind::kAudio}};
  for (const auto& [key, kind] : kMedia) {
    if (IsSet(part.Find(key))) return UrlPart(kind, part, part.Find(key));
  }
  const json::View audio = part.Find("input_audio");
  if (audio.IsObject()) {
    Part out = MakeAudioPart(audio.Find("data").StringOr(""), audio.Find("format").StringOr("wav"));
    out.uuid = StringOf(part.Find("uuid"));
    return out;
  }
  return {.kind = Part::Kind::kRaw, .raw = json::Value::CopyOf(part)};
}

void DecodeContent(json::View content, Message& message) {
  if (content.IsString()) {
    message.parts.push_back({.kind = Part::Kind::kText, .text = StringOf(content)});
  }
  for (const json::View part : content.items()) message.parts.push_back(DecodePart(part));
}

void DecodeToolCalls(json::View calls, Message& message) {
  for (const json::View entry : calls.items()) {
    const json::View function = entry.Find("function");
    const json::View arguments = function.Find("arguments");
    model::ToolCall& call = message.tool_calls.emplace_back();
    call.id = StringOf(entry.Find("id"));
    call.name = StringOf(function.Find("name"));
    call.arguments = arguments.IsObject() ? json::Write(arguments) : StringOf(arguments);
  }
}

void DecodeMessage(json::View entry, std::string_view location, RequestReader& in,
                   Message& message) {
  const json::View role = entry.Find("role");
  if (!entry.IsObject()) {
    in.Complain("dict_type", location, "Input should be a valid dictionary", entry);
    return;
  }
  if (!role.IsString()) {
    in.Complain("missing", StrCat(location, ".role"), "Field required", entry);
    return;
  }
  const std::optional<model::Role> known = model::ParseRole(role.StringOr(""));
  if (!known) {
    in.Refuse(StrCat("Unknown role: ", role.StringOr("")));
    return;
  }
  message.role = *known;
  message.name = StringOf(entry.Find("name"));
  DecodeContent(entry.Find("content"), message);
  message.reasoning = StringOf(entry.Find("reasoning"));
  if (message.reasoning.empty()) message.reasoning = StringOf(entry.Find("reasoning_content"));
  DecodeToolCalls(entry.Find("tool_calls"), message);
  message.tool_call_id = StringOf(entry.Find("tool_call_id"));
  message.extra = UnknownMembers(entry, {"role", "name", "content", "reasoning",
                                         "reasoning_content", "tool_calls", "tool_call_id"});
}

void DecodeTool(json::View entry, std::string_view location, RequestReader& in,
                model::ToolSpec& tool) {
  const json::View function = entry.Find("function");
  const json::View type = entry.Find("type");
  if (in.dialect().kind == ServerKind::kVllm && type.exists() && type.StringOr("") != "function") {
    in.Complain("literal_error", StrCat(location, ".type"), "Input should be 'function'", type);
    return;
  }
  if (!function.IsObject()) {
    in.Complain("missing", StrCat(location, ".function"), "Field required", entry);
    return;
  }
  if (!function.Find("name").IsString()) {
    in.Complain("missing", StrCat(location, ".function.name"), "Field required", function);
    return;
  }
  tool.name = StringOf(function.Find("name"));
  tool.description = StringOf(function.Find("description"));
  if (IsSet(function.Find("parameters"))) {
    tool.parameters = json::Value::CopyOf(function.Find("parameters"));
  }
  tool.strict = function.Find("strict").AsBool();
}

void DecodeToolChoice(json::View value, RequestReader& in, model::Call& call) {
  using Kind = model::ToolChoice::Kind;
  model::ToolChoice& choice = call.tool_choice;
  if (!IsSet(value)) return;
  if (call.tools.empty() && value.StringOr("") != "none") {
    in.Refuse("When using `tool_choice`, `tools` must be set.", "tool_choice");
    return;
  }
  const std::string_view word = value.StringOr("");
  if (word == "auto") {
    choice.kind = Kind::kAuto;
  } else if (word == "none") {
    choice.kind = Kind::kNone;
  } else if (word == "required") {
    choice.kind = Kind::kRequired;
  } else if (value.IsObject()) {
    choice.kind = Kind::kNamed;
    choice.name = StringOf(value.Find("function").Find("name"));
    if (std::ranges::find(call.tools, choice.name, &model::ToolSpec::name) == call.tools.end()) {
      in.Refuse("The tool specified in `tool_choice` does not match any of the specified `tools`",
                "tool_choice");
    }
  } else {
    in.Refuse(StrCat("Invalid value for `tool_choice`: ", word,
                     "! Only named tools, \"none\", \"auto\" or \"required\" are supported."),
              "tool_choice");
  }
}

}  // namespace

void ReadMessages(RequestReader& in, model::Call& call) {
  const json::View messages = in.Take("messages");
  if (!messages.exists()) {
    in.Complain("missing", "messages", "Field required", in.body());
    return;
  }
  if (!messages.IsArray()) {
    in.Complain("list_type", "messages", "Input should be a valid list", messages);
    return;
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    DecodeMessage(messages[i], StrCat("messages.", i), in, call.messages.emplace_back());
  }
}

void ReadTools(RequestReader& in, model::Call& call) {
  const json::View tools = in.Take("tools");
  if (tools.IsArray() && tools.empty() && in.dialect().version >= kEmptyToolsRefused) {
    in.Refuse(
        "`tools` must not be an empty array. Either provide at least one tool or omit the field "
        "entirely.",
        "tools");
  } else if (IsSet(tools) && !tools.IsArray()) {
    in.Complain("list_type", "tools", "Input should be a valid list", tools);
  }
  for (std::size_t i = 0; i < tools.size(); ++i) {
    DecodeTool(tools[i], StrCat("tools.", i), in, call.tools.emplace_back());
  }
  DecodeToolChoice(in.Take("tool_choice"), in, call);
  in.Read("parallel_tool_calls", call.parallel_tool_calls);
}

}  // namespace weir::wire
