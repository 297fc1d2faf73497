// Whether the tools of an agent can be run at all.

#include <algorithm>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include "weir/agent/mcp/variables.h"
#include "weir/agent/tools/builtins.h"
#include "weir/base/text.h"
#include "weir/flow/checker.h"
#include "weir/flow/read_keys.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

bool IsFile(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool IsExecutable(const std::string& path) {
  return IsFile(path) && ::access(path.c_str(), X_OK) == 0;
}

bool Mutates(const agent::ToolDefinition& tool) {
  if (tool.mutates) return *tool.mutates;
  const auto all = agent::Builtins();
  const auto at = std::ranges::find(all, tool.builtin, &agent::Builtin::name);
  return at == all.end() || at->mutates;
}

}  // namespace

void Checker::CheckProgram(const std::vector<std::string>& argv, const std::string& place,
                           const std::string& what) {
  if (argv.empty() || argv.front().empty()) return;
  const std::string& program = argv.front();
  if (program.contains('/')) {
    const std::string path = PathFrom(graph_.flow().folder, program);
    if (!IsFile(path)) {
      Tell(false, place, StrCat(what, ": there is no program ", path));
    } else if (!IsExecutable(path)) {
      Tell(false, place, StrCat(what, ": ", path, " is not executable; chmod +x ", path));
    }
    return;
  }
  if (!facts_.program_path) return;
  for (const std::string_view folder : Split(*facts_.program_path, ':')) {
    if (!folder.empty() && IsExecutable(StrCat(folder, "/", program))) return;
  }
  const std::string beside = PathFrom(graph_.flow().folder, program);
  Tell(false, place,
       StrCat(what, ": there is no program ", Truncate(program, 80), " in $PATH; install it",
              IsFile(beside) ? StrCat(", or write ./", program, " for the one beside the flow")
                             : std::string(", or name it by its path")));
}

void Checker::CheckAgent(const GraphNode& node) {
  const agent::Agent& agent = *node.step()->agent;
  const std::string& id = node.node->id;
  const auto place_of = [&](const std::string& place) {
    return place.empty() ? node.node->place : place;
  };
  for (const agent::ToolDefinition& tool : agent.tools) {
    const std::string what = StrCat("tool ", tool.name, " of ", id);
    const std::string place = place_of(tool.place);
    CheckProgram(tool.exec, place, what);
    for (const auto& argv : tool.context) CheckProgram(argv, place, StrCat("`context` of ", what));
    if (tool.description.empty() && tool.builtin.empty()) {
      Tell(true, place,
           StrCat(what,
                  " has no description: the model is told of it by its name alone; say in a "
                  "sentence what it does"));
    }
    using agent::WorkspaceMode;
    if (Mutates(tool) && agent::WorkspaceModeOf(agent) == WorkspaceMode::kNone) {
      Tell(true, place,
           StrCat(what,
                  " may change files, and `workspace: none` gives it no copy of its own; "
                  "write mutates: false if it only looks, or workspace: copy"));
    }
  }
  for (const agent::McpServer& server : agent.servers) {
    const std::string what = StrCat("server ", server.name, " of ", id);
    const std::string place = place_of(server.place);
    CheckProgram(server.exec, place, what);
    if (facts_.env == nullptr) continue;
    for (const std::string& problem : agent::mcp::MissingVariables(server, *facts_.env)) {
      Tell(false, place, StrCat(what, ": ", problem));
    }
  }
  if (agent.tools.empty() && agent.servers.empty()) {
    Tell(true, node.node->place,
         StrCat("agent ", id,
                " has no tools, so that it can only hand in what it knows; give it "
                "`tools`, or make it a step"));
  }
}

}  // namespace weir::flow
