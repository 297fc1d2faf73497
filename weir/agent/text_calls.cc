#include "weir/agent/text_calls.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>

#include "weir/json/lenient.h"
#include "weir/json/writer.h"

namespace weir::agent {
namespace {

json::View FirstOf(json::View object, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    if (const json::View value = object.Find(key); value.exists()) return value;
  }
  return {};
}

std::optional<model::ToolCall> CallOf(json::View object,
                                      const std::vector<model::ToolSpec>& tools) {
  const auto name = FirstOf(object, {"name", "tool", "function"}).AsString();
  const json::View arguments = FirstOf(object, {"arguments", "parameters", "args"});
  const bool known = name && std::ranges::find(tools, *name, &model::ToolSpec::name) != tools.end();
  if (!known || (arguments.exists() && !arguments.IsObject())) return std::nullopt;
  return model::ToolCall{.id = {},
                         .name = std::string(*name),
                         .arguments = arguments.exists() ? json::Write(arguments) : "{}"};
}

}  // namespace

std::vector<model::ToolCall> CallsInText(std::string_view text,
                                         const std::vector<model::ToolSpec>& tools) {
  const Result<json::Mended> read = json::ReadLenient(text);
  if (!read || !read->report.complete) return {};
  std::vector<model::ToolCall> calls;
  const auto add = [&](json::View object) {
    std::optional<model::ToolCall> call = CallOf(object, tools);
    if (call) calls.push_back(*std::move(call));
    return call.has_value();
  };
  if (read->value.IsObject()) {
    add(read->value);
  } else {
    for (const json::View item : read->value.items()) {
      if (!add(item)) return {};
    }
  }
  return calls;
}

}  // namespace weir::agent
