#pragma once

// The graph of a flow as a drawing.

#include <string>

#include "weir/flow/graph.h"
#include "weir/flow/stats.h"

namespace weir::flow {

// SVG in its natural size, from the first node at the top to the last: a box for each node with
// what became of its rows, and ways side by side in a frame below theirs.
std::string GraphPicture(const Graph& graph, const RunStats& stats);

// "ask", "keep", "set", "each", "program", "parallel", "switch", "map"
std::string_view KindOf(const GraphNode& node);

// The engine that a step asks; empty where there is none or no name for it.
std::string EngineOf(const Graph& graph, const GraphNode& node);

}  // namespace weir::flow
