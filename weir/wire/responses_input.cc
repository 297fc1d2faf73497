#include <utility>

#include "weir/base/text.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/media.h"
#include "weir/wire/request_reader.h"

namespace weir::wire {
namespace {

using model::Message;
using model::Part;
using model::Role;

Part DecodeFile(json::View part) {
  Part out{.kind = Part::Kind::kFile};
  const json::View data = part.Find("file_data");
  out.url = StringOf(data.IsString() ? data : part.Find("file_url"));
  out.format = StringOf(part.Find("filename"));
  return out;
}

void DecodePart(json::View part, RequestReader& in, Message& message) {
  const std::string_view type = part.Find("type").StringOr("");
  if (type == "input_text" || type == "output_text" || type == "text") {
    message.parts.push_back({.kind = Part::Kind::kText, .text = StringOf(part.Find("text"))});
  } else if (type == "refusal") {
    message.parts.push_back({.kind = Part::Kind::kText, .text = StringOf(part.Find("refusal"))});
  } else if (type == "input_image" && part.Find("image_url").IsString()) {
    message.parts.push_back({.kind = Part::Kind::kImage,
                             .url = StringOf(part.Find("image_url")),
                             .detail = StringOf(part.Find("detail"))});
  } else if (type == "input_file" &&
             (part.Find("file_data").IsString() || part.Find("file_url").IsString())) {
    message.parts.push_back(DecodeFile(part));
  } else if (type == "input_audio" && part.Find("input_audio").IsObject()) {
    const json::View audio = part.Find("input_audio");
    message.parts.push_back(
        MakeAudioPart(audio.Find("data").StringOr(""), audio.Find("format").StringOr("wav")));
  } else if (type == "input_image" || type == "input_file") {
    in.RefuseLate(
        StrCat("`", type, "` needs its content inline or by URL: no file is stored here."),
        "input");
  } else {
    in.RefuseLate(StrCat("Unknown part type: ", type), "input");
  }
}

void DecodeContent(json::View content, std::string_view location, RequestReader& in,
                   Message& message) {
  if (content.IsString()) {
    message.parts.push_back({.kind = Part::Kind::kText, .text = StringOf(content)});
  } else if (!content.IsArray()) {
    in.Complain("missing", location, "Field required", content);
  }
  for (const json::View part : content.items()) DecodePart(part, in, message);
}

// The assistant's message that an item of its turn belongs to: what it thought, said and called are
// items of their own, but one message to the model.
Message& AssistantTurn(model::Call& call, bool (*has_room)(const Message&)) {
  const bool fits = !call.messages.empty() && call.messages.back().role == Role::kAssistant &&
                    has_room(call.messages.back());
  if (fits) return call.messages.back();
  call.messages.push_back({.role = Role::kAssistant});
  return call.messages.back();
}

void DecodeMessage(json::View item, std::string_view location, RequestReader& in,
                   model::Call& call) {
  const std::optional<Role> role = model::ParseRole(item.Find("role").StringOr(""));
  if (!item.Find("role").exists()) {
    in.Complain("missing", StrCat(location, ".role"), "Field required", item);
  } else if (!role || *role == Role::kTool) {
    in.Complain("literal_error", StrCat(location, ".role"),
                "Input should be 'user', 'assistant', 'system' or 'developer'", item.Find("role"));
  } else if (*role == Role::kAssistant) {
    Message& turn = AssistantTurn(call, [](const Message& m) { return m.parts.empty(); });
    DecodeContent(item.Find("content"), StrCat(location, ".content"), in, turn);
  } else {
    Message& message = call.messages.emplace_back();
    message.role = *role;
    DecodeContent(item.Find("content"), StrCat(location, ".content"), in, message);
  }
}

// A text that the item must have.
std::string RequiredText(json::View item, std::string_view key, std::string_view location,
                         RequestReader& in) {
  const json::View value = item.Find(key);
  if (!value.exists()) {
    in.Complain("missing", StrCat(location, ".", key), "Field required", item);
  } else if (!value.IsString()) {
    in.Complain("string_type", StrCat(location, ".", key), "Input should be a valid string", value);
  }
  return StringOf(value);
}

void DecodeFunctionCall(json::View item, std::string_view location, RequestReader& in,
                        model::Call& call) {
  Message& turn = AssistantTurn(call, [](const Message&) { return true; });
  model::ToolCall& tool_call = turn.tool_calls.emplace_back();
  tool_call.id = RequiredText(item, "call_id", location, in);
  tool_call.name = RequiredText(item, "name", location, in);
  tool_call.arguments = RequiredText(item, "arguments", location, in);
}

void DecodeFunctionOutput(json::View item, std::string_view location, RequestReader& in,
                          model::Call& call) {
  Message& message = call.messages.emplace_back();
  message.role = Role::kTool;
  message.tool_call_id = RequiredText(item, "call_id", location, in);
  DecodeContent(item.Find("output"), StrCat(location, ".output"), in, message);
}

void DecodeReasoning(json::View item, RequestReader& in, model::Call& call) {
  if (!item.Find("encrypted_content").StringOr("").empty()) {
    in.RefuseLate("Encrypted content is not supported.");
    return;
  }
  json::View texts = item.Find("content");
  if (texts.size() == 0) texts = item.Find("summary");
  Message& turn = AssistantTurn(call, [](const Message& m) { return m.reasoning.empty(); });
  for (const json::View text : texts.items()) turn.reasoning += text.Find("text").StringOr("");
}

void DecodeItem(json::View item, std::string_view location, RequestReader& in, model::Call& call) {
  const json::View type = item.Find("type");
  const std::string_view word = type.StringOr("");
  if (!item.IsObject()) {
    in.Complain("dict_type", location, "Input should be a valid dictionary", item);
  } else if (!type.exists() || word == "message") {
    DecodeMessage(item, location, in, call);
  } else if (word == "function_call") {
    DecodeFunctionCall(item, location, in, call);
  } else if (word == "function_call_output") {
    DecodeFunctionOutput(item, location, in, call);
  } else if (word == "reasoning") {
    DecodeReasoning(item, in, call);
  } else {
    in.Complain("literal_error", StrCat(location, ".type"),
                "Input should be 'message', 'function_call', 'function_call_output' or 'reasoning'",
                type);
  }
}

// An assistant's item that was cut short is to be written on, not answered.
bool IsUnfinished(json::View item) {
  const std::string_view type = item.Find("type").StringOr("message");
  const std::string_view status = item.Find("status").StringOr("");
  return (type == "message" || type == "reasoning") &&
         (status == "in_progress" || status == "incomplete");
}

}  // namespace

void ReadResponsesInput(RequestReader& in, model::Call& call) {
  const json::View input = in.Take("input");
  if (!input.exists()) {
    in.Complain("missing", "input", "Field required", in.body());
  } else if (input.IsString()) {
    call.messages.push_back(Message::Text(Role::kUser, StringOf(input)));
  } else if (!input.IsArray()) {
    in.Complain("string_type", "input.str", "Input should be a valid string", input);
    in.Complain("list_type", "input.list", "Input should be a valid list", input);
  }
  for (std::size_t i = 0; i < input.size() && input.IsArray(); ++i) {
    DecodeItem(input[i], StrCat("input.", i), in, call);
  }
  if (input.IsArray() && input.size() > 0 && IsUnfinished(input[input.size() - 1])) {
    call.continue_final_message = true;
    call.add_generation_prompt = false;
  }
}

}  // namespace weir::wire
