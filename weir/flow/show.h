#pragma once

// Pictures of a graph, for people and for programs that draw.

#include <string>

#include "weir/flow/graph.h"

namespace weir::flow {

struct TreeOptions {
  bool unicode = true;   // lines and signs; false: ASCII
  int max_branches = 0;  // of one parallel, then "+3 more"; 0: all
};

std::string ShowTree(const Graph& graph, const TreeOptions& options = {});
std::string ShowDot(const Graph& graph);
std::string ShowMermaid(const Graph& graph);

}  // namespace weir::flow
