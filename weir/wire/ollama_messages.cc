// The talk of a chat as Ollama reads it.

#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/ollama_reader.h"

namespace weir::wire {
namespace {

using model::Role;

std::optional<Role> RoleOf(std::string_view word) {
  if (word == "system") return Role::kSystem;
  if (word == "user") return Role::kUser;
  if (word == "assistant") return Role::kAssistant;
  if (word == "tool") return Role::kTool;
  return std::nullopt;
}

void ReadCalls(OllamaReader& in, model::Message& message) {
  for (const json::View entry : in.Array("tool_calls", "[]api.ToolCall").items()) {
    const json::View function = entry.Find("function");
    const json::View arguments = function.Find("arguments");
    if (IsSet(arguments) && !arguments.IsObject()) {
      return in.Fail(StrCat("json: cannot unmarshal ", GoTypeOf(arguments),
                            " into Go struct field ToolCallFunction.arguments of type "
                            "api.ToolCallFunctionArguments"));
    }
    message.tool_calls.push_back(
        {.id = StringOf(entry.Find("id")),
         .name = StringOf(function.Find("name")),
         .arguments = arguments.IsObject() ? json::Write(arguments) : "{}"});
  }
}

void ReadMessage(json::View entry, model::Message& message, std::optional<ServerError>& error) {
  OllamaReader in(entry, "ChatRequest.messages", error);
  std::string role;
  std::string content;
  in.Read("role", role);
  in.Read("content", content);
  in.Read("thinking", message.reasoning);
  in.Read("tool_name", message.name);
  in.Read("tool_call_id", message.tool_call_id);
  const std::optional<Role> known = RoleOf(ToLower(role));
  if (!known) {
    in.Fail(
        StrCat("invalid role: ", role, ", role must be one of [system, user, assistant, tool]"));
  }
  message.role = known.value_or(Role::kUser);
  if (!content.empty()) message.parts.push_back({.text = std::move(content)});
  in.ReadImages(message);
  ReadCalls(in, message);
}

}  // namespace

void ReadOllamaMessages(OllamaReader& in, model::Call& call, std::optional<ServerError>& error) {
  for (const json::View entry : in.Array("messages", "[]api.Message").items()) {
    if (!entry.IsObject()) {
      in.Fail(StrCat("json: cannot unmarshal ", GoTypeOf(entry),
                     " into Go struct field ChatRequest.messages of type api.Message"));
    }
    ReadMessage(entry, call.messages.emplace_back(), error);
  }
}

void ReadOllamaTools(OllamaReader& in, model::Call& call, std::optional<ServerError>& error) {
  for (const json::View entry : in.Array("tools", "api.Tools").items()) {
    const json::View function = entry.Find("function");
    OllamaReader fields(function, "ChatRequest.tools.function", error);
    model::ToolSpec& tool = call.tools.emplace_back();
    fields.Read("name", tool.name);
    fields.Read("description", tool.description);
    const json::View parameters = function.Find("parameters");
    if (parameters.IsObject()) tool.parameters = json::Value::CopyOf(parameters);
  }
}

}  // namespace weir::wire
