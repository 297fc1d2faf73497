#pragma once

// What follows what, as pairs of nodes.

#include <string>
#include <vector>

#include "weir/flow/graph.h"

namespace weir::flow {

struct Edge {
  const GraphNode* from = nullptr;
  const GraphNode* to = nullptr;
  std::string label;  // the way that begins here; empty: none
};

// From each node to the one behind it; into ways from the node that has them, and out of them from
// their last nodes. A branch without join leads nowhere: nothing waits for its value.
std::vector<Edge> EdgesOf(const Graph& graph);

}  // namespace weir::flow
