#include "weir/flow/graph_edges.h"

#include <algorithm>
#include <span>

namespace weir::flow {
namespace {

using Ends = std::vector<const GraphNode*>;

class EdgeFinder {
 public:
  std::vector<Edge> Find(const Graph& graph) {
    Follow(graph.nodes(), {}, {});
    return std::move(edges_);
  }

 private:
  // Returns where the way ends.
  Ends Follow(const Sequence& nodes, Ends from, const std::string& label) {
    for (const GraphNode& node : nodes) {
      const bool first = &node == nodes.data();
      for (const GraphNode* end : from) {
        edges_.push_back({.from = end, .to = &node, .label = first ? label : ""});
      }
      from = Inside(node);
    }
    return from;
  }

  Ends Inside(const GraphNode& node) {
    Ends ends;
    for (const Way& way : node.ways) {
      const Ends last = Follow(way.nodes, {&node}, way.name);
      if (node.parallel() != nullptr && way.join.empty()) continue;
      for (const GraphNode* end : last) {
        if (std::ranges::find(ends, end) == ends.end()) ends.push_back(end);
      }
    }
    if (ends.empty()) ends.push_back(&node);
    return ends;
  }

  std::vector<Edge> edges_;
};

}  // namespace

std::vector<Edge> EdgesOf(const Graph& graph) { return EdgeFinder().Find(graph); }

}  // namespace weir::flow
