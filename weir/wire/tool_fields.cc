#include <algorithm>

#include "weir/base/text.h"
#include "weir/wire/request_writer.h"

namespace weir::wire {
namespace {

// Begins the object that holds a function's members: an own one in chat, the tool's in responses.
void BeginFunction(const RequestWriter& out, json::Writer& json) {
  json.BeginObject();
  json.Field("type", "function");
  if (out.responses()) return;
  json.Key("function");
  json.BeginObject();
}

void EndFunction(const RequestWriter& out, json::Writer& json) {
  if (!out.responses()) json.EndObject();
  json.EndObject();
}

// The Responses API of OpenAI wants both members; what chat takes for granted is not its default.
void WriteWantedMembers(const model::ToolSpec& tool, json::Writer& json) {
  if (tool.parameters.IsNull()) {
    json.Key("parameters");
    json.BeginObject();
    json.Field("type", "object");
    json.Key("properties");
    json.BeginObject();
    json.EndObject();
    json.EndObject();
  }
  if (!tool.strict) {
    json.Key("strict");
    json.Bool(false);
  }
}

void WriteTool(const model::ToolSpec& tool, const RequestWriter& out, json::Writer& json) {
  BeginFunction(out, json);
  json.Field("name", tool.name);
  if (!tool.description.empty()) json.Field("description", tool.description);
  if (!tool.parameters.IsNull()) json.Field("parameters", tool.parameters);
  if (tool.strict) {
    json.Key("strict");
    json.Bool(*tool.strict);
  }
  if (out.openai() && out.responses()) WriteWantedMembers(tool, json);
  EndFunction(out, json);
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
  BeginFunction(out, json);
  json.Field("name", choice.name);
  EndFunction(out, json);
  return {};
}

}  // namespace

Result<void> WriteTools(RequestWriter& out) {
  const model::Call& call = out.call();
  if (!call.tools.empty()) {
    WEIR_TRY(const bool carried, out.Carries("tools"));
    if (!carried) return {};
    json::Writer& json = out.Key("tools");
    json.BeginArray();
    for (const model::ToolSpec& tool : call.tools) WriteTool(tool, out, json);
    json.EndArray();
  }
  WEIR_CHECK(WriteToolChoice(out));
  out.Offer("parallel_tool_calls", call.parallel_tool_calls);
  return {};
}

}  // namespace weir::wire
