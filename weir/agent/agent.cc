#include "weir/agent/agent.h"

#include <algorithm>

#include "weir/agent/tools/builtins.h"

namespace weir::agent {

const std::string_view kResultSchema = R"({
"type": "object",
"required": ["status", "summary"],
"additionalProperties": false,
"properties": {
  "status": {"enum": ["success", "failed", "skipped"]},
  "summary": {"type": "string", "description": "One or two sentences: what was done."},
  "changed_files": {"type": "array", "items": {"type": "string"}},
  "details": {"type": "object"},
  "error": {"type": ["string", "null"], "description": "Why it failed."}}})";

namespace {

bool Mutates(const ToolDefinition& tool) {
  if (tool.mutates) return *tool.mutates;
  if (tool.builtin.empty()) return true;
  const auto builtins = Builtins();
  const auto found = std::ranges::find(builtins, tool.builtin, &Builtin::name);
  return found == builtins.end() || found->mutates;
}

}  // namespace

WorkspaceMode WorkspaceModeOf(const Agent& agent) {
  if (agent.workspace.mode) return *agent.workspace.mode;
  return std::ranges::any_of(agent.tools, Mutates) ? WorkspaceMode::kCopy : WorkspaceMode::kNone;
}

}  // namespace weir::agent
