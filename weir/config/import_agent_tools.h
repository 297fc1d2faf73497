#pragma once

// The tools of an agent bundle, and the one that hands in.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/config/import_agent_scripts.h"
#include "weir/config/import_agent_text.h"
#include "weir/config/import_source.h"
#include "weir/json/builder.h"
#include "weir/json/value.h"

namespace weir::config {

inline constexpr std::string_view kBundleExample =
    "name: lint\ninitial_context: {system_prompt: \"You mend Python.\"}\ntools:\n"
    "  - {tool_name: submit_result, pym: tools/submit.pym}\n";

class AgentTools {
 public:
  // The bundle lies in `folder`, the definition will in `to`; `out`, which outlives it, gets
  // `tools` and `submit`.
  AgentTools(std::string folder, std::string to, AgentText& out);

  Result<void> Take(Section& root);
  bool runs_scripts() const { return runs_scripts_; }

 private:
  struct Tool {
    Section section;
    std::string name;
    std::string description;
    std::string pym;
    Script script;
    bool has_script = false;  // that could be read
  };

  Result<void> TakeEnd(Section& root);
  Result<void> TakeFolder(Section& root);
  Result<void> TakeTools(Section& root);
  Result<Tool> ReadTool(Section item);
  std::vector<Tool> ToolsOfFolder(const Section& root);
  void ReadScriptOf(Tool& tool);
  std::string FromOutput(const std::string& path) const;
  json::Value Program(const std::string& script);
  Result<void> WriteTool(Tool& tool);
  Result<void> WriteContext(Section& section);
  static Result<json::Value> ArgumentsOf(Tool& tool);
  Result<void> WriteSubmit(const Section& root);

  const std::string folder_;  // of the bundle
  const std::string to_;      // of the definition
  AgentText& out_;
  std::string end_;  // the name of the tool that hands in
  std::string scripts_ = "tools";
  std::optional<Tool> submit_;
  bool runs_scripts_ = false;
};

}  // namespace weir::config
