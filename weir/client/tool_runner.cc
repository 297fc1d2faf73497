#include "weir/client/tool_runner.h"

#include <algorithm>
#include <exception>

#include "weir/agent/arguments.h"
#include "weir/base/text.h"

namespace weir::client {
namespace {

Result<std::string> Execute(const Tool& tool, json::View arguments) {
  try {
    return tool.function(arguments);
  } catch (const std::exception& thrown) {
    return Fail(Code::kInternal, StrCat("the tool ", tool.spec.name, " failed: ", thrown.what()));
  } catch (...) {
    return Fail(Code::kInternal, StrCat("the tool ", tool.spec.name, " failed"));
  }
}

}  // namespace

Result<ToolRunner> ToolRunner::Make(const ToolBox& tools) {
  ToolRunner runner;
  for (const Tool& tool : tools) {
    const std::string& name = tool.spec.name;
    if (name.empty() || tool.function == nullptr) {
      return Fail(Code::kInvalidRequest,
                  StrCat("tool ", runner.entries_.size() + 1, " has no name or no function"));
    }
    if (runner.Find(name) != nullptr) {
      return Fail(Code::kInvalidRequest,
                  StrCat("two tools are called '", name, "'; rename one of them"));
    }
    Result<schema::Schema> arguments = agent::CompileArguments(tool.spec);
    if (!arguments) {
      return Fail(arguments.error().code, StrCat("the parameters of the tool '", name,
                                                 "' cannot be used: ", arguments.error().message));
    }
    runner.entries_.push_back({&tool, *std::move(arguments)});
  }
  return runner;
}

Result<std::string> ToolRunner::Run(const model::ToolCall& call) const {
  const Entry* entry = Find(call.name);
  if (entry == nullptr) {
    std::vector<std::string> names;
    names.reserve(entries_.size());
    for (const Entry& known : entries_) names.push_back(known.tool->spec.name);
    return Fail(Code::kInvalidRequest, StrCat("there is no tool '", Truncate(call.name, 60),
                                              "'; there are ", Join(names, ", ")));
  }
  const Result<json::Value> arguments = agent::ReadArguments(call, entry->arguments);
  if (!arguments) {
    return Fail(arguments.error().code, StrCat("the arguments of the tool ", call.name,
                                               " are wrong: ", arguments.error().message));
  }
  return Execute(*entry->tool, *arguments);
}

std::vector<model::ToolSpec> ToolRunner::specs() const {
  std::vector<model::ToolSpec> specs;
  for (const Entry& entry : entries_) specs.push_back(entry.tool->spec);
  return specs;
}

const ToolRunner::Entry* ToolRunner::Find(std::string_view name) const {
  const auto found = std::ranges::find(
      entries_, name, [](const Entry& entry) { return std::string_view(entry.tool->spec.name); });
  return found == entries_.end() ? nullptr : &*found;
}

}  // namespace weir::client
