#pragma once

// Reads agents: nodes of a flow, and files that hold one agent alone. docs/agents.md is the
// grammar.

#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/read.h"
#include "weir/flow/read_keys.h"

namespace weir::flow {

// The keys of an agent node, without those that all nodes have. What its `definition` says lies
// beneath them.
Step ReadAgent(Keys& keys);

// A file of one agent as a flow of that node alone. It counts paths from its folder, and is called
// by its `name`, or as the file. Fails with kConfigError: every problem found, each with its place.
Result<Flow> ReadAgentFile(const std::string& path);
// The same, but what could be read comes back in spite of problems; fails where nothing could.
Result<Flow> ReadAgentFile(const std::string& path, ReadProblems& found);
// The same of a text.
Result<Flow> ReadAgentText(std::string_view text, const std::string& file_name);

// Whether a YAML text is meant as the file of an agent: a map that has tools, servers or a
// submission and no nodes.
bool IsAgentFile(std::string_view text);

// `tools` and `mcp` of an agent: read_tools.cc.
std::vector<agent::ToolDefinition> ReadTools(Keys& keys);
std::vector<agent::McpServer> ReadServers(Keys& keys);

// What both read. Unset when the key is missing, or wrong, which is noted.
std::optional<agent::Approval> ReadApproval(Keys& keys);
// A program: a list, or words between blanks. Its path is made to count from the flow's folder.
// Empty when it is none; the second notes that.
std::vector<std::string> ProgramOf(const Keys& keys, json::View value);
std::vector<std::string> ReadProgramWords(Keys& keys, std::string_view key);
// The one of several names of a key that is there; the first when none is. Two are noted.
std::string_view NameOfKey(Keys& keys, std::initializer_list<std::string_view> names);

}  // namespace weir::flow
