#include "weir/agent/tools/surroundings.h"

#include <string>
#include <string_view>

#include "weir/base/text.h"

namespace weir::agent {

Env ToolEnv(const Env& env) {
  Env tools;
  for (const char* const name : {"HOME", "LANG", "LC_ALL", "TMPDIR"}) {
    if (const auto value = env.Get(name)) tools.variables[name] = *value;
  }
  for (const auto& [name, value] : env.variables) {
    if (name.starts_with("WEIR_TOOL_")) tools.variables[name] = value;
  }
  const std::string all = env.Get("PATH").value_or("/usr/local/bin:/usr/bin:/bin");
  std::string& path = tools.variables["PATH"];
  for (const std::string_view folder : Split(all, ':')) {
    if (folder.starts_with('/')) StrAppend(path, path.empty() ? "" : ":", folder);
  }
  tools.variables["TERM"] = "dumb";
  return tools;
}

}  // namespace weir::agent
