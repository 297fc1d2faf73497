#pragma once

// Agent bundles of another system, turned into definitions of agents (docs/agents.md).

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir::config {

// Whether a YAML text describes an agent: its tools, prompts or end. False for what is no YAML.
bool IsAgentBundle(std::string_view text);

// The file of a bundle: `path` itself, or, of a folder, its bundle.yaml or the one file in it that
// describes an agent. Fails with kConfigError for a folder that holds none, or several.
Result<std::string> BundleFile(const std::string& path);

struct ImportedAgent {
  std::string yaml;
  std::vector<std::string> notes;  // as of Imported
  bool runs_scripts = false;       // run_script.h has to lie beside it
};

// Reads a definition as the reader of flows does; messages begin with the name, line and column.
using AgentCheck = std::function<Result<void>(std::string_view yaml, const std::string& name)>;

// `file` is where the bundle lies: scripts are looked for beside it, and in the folders above. They
// are read for the inputs that they declare, never run. The definition will lie in `folder`. Fails
// with kConfigError, "file:line:column: what, and what to do"; what `check` objects to is told
// about the line that it was made of.
Result<ImportedAgent> ImportAgent(std::string_view text, const std::string& file,
                                  const std::string& folder, const AgentCheck& check);

}  // namespace weir::config
