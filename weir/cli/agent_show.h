#pragma once

// What `weir agent` prints.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/cli/flow_files.h"

namespace weir::cli {

// An agent, with the flow that it stands in; or a file that cannot be read.
struct FoundAgent {
  std::string file;  // of the agent, FLOW or FLOW#NAME
  std::shared_ptr<const LoadedFlow> flow;
  const flow::GraphNode* node = nullptr;  // null: see error
  std::vector<flow::Problem> problems;    // of the whole flow
  std::optional<Error> error;

  bool good() const;  // no errors; warnings may be
};

// A line about one that is good.
std::string CheckText(const FoundAgent& agent);
// A table: name, file, tools, turns, workspace, what is wrong.
std::string ListText(const std::vector<FoundAgent>& agents);
// Everything of one: prompts, tools with their schemas, the submission, limits, policy.
std::string AgentText(const FoundAgent& agent);
// The same as one JSON line; of several, a list with their problems and without prompts.
std::string AgentJson(const FoundAgent& agent);
std::string AgentsJson(const std::vector<FoundAgent>& agents);

}  // namespace weir::cli
