#pragma once

// Passes: where all rows must be through some nodes before any enters the next. Barriers ask for
// it, and so do lazy engines: each run of neighbouring nodes that needs the same ones is a pass, so
// that an engine is started once for it and stopped behind it.

#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "weir/flow/graph.h"
#include "weir/flow/run.h"

namespace weir::flow {

struct PassPlan {
  std::size_t from = 0;  // of the graph's top level
  std::size_t to = 0;
  std::set<std::string> lazy;     // engines that must run in it, and only then
  std::set<std::string> engines;  // all that its steps ask
};

// At least one pass. Nodes that need no lazy engine belong to the pass before them.
std::vector<PassPlan> PlanPasses(const Graph& graph, EngineHost& engines,
                                 const RunOptions& options);

// The own names of the engines that a node and everything inside it asks.
std::set<std::string> EnginesIn(const Graph& graph, const GraphNode& node, EngineHost& engines,
                                const RunOptions& options);

}  // namespace weir::flow
