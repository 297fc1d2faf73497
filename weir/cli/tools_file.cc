#include "weir/cli/tools_file.h"

#include "weir/base/text.h"
#include "weir/cli/terminal.h"
#include "weir/json/reader.h"

namespace weir::cli {

Result<std::vector<model::ToolSpec>> ReadTools(const std::string& path) {
  WEIR_TRY(const std::string text, ReadInput(path));
  const Result<json::Value> list = json::Read(text);
  if (!list || !list->IsArray()) {
    return Fail(Code::kConfigError, StrCat(path, " must hold a JSON list of tools"),
                list ? "" : list.error().message);
  }
  std::vector<model::ToolSpec> tools;
  for (const json::View item : list->items()) {
    const json::View function = item.Find("function").exists() ? item.Find("function") : item;
    model::ToolSpec tool;
    tool.name = function.Find("name").StringOr("");
    tool.description = function.Find("description").StringOr("");
    if (tool.name.empty()) {
      return Fail(Code::kConfigError, StrCat(path, ": tool ", tools.size() + 1, " has no name"));
    }
    const json::View parameters = function.Find("parameters");
    if (parameters.IsObject()) tool.parameters = list->Share(parameters);
    tool.strict = function.Find("strict").AsBool();
    tools.push_back(std::move(tool));
  }
  return tools;
}

Result<json::Value> ReadSchema(const std::string& path) {
  WEIR_TRY(const std::string text, ReadInput(path));
  Result<json::Value> schema = json::Read(text);
  if (schema) return schema;
  return Fail(Code::kConfigError, StrCat(path, " is not JSON"), schema.error().message);
}

}  // namespace weir::cli
