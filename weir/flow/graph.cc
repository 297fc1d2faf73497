#include "weir/flow/graph.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/flow/graph_build.h"
#include "weir/flow/graph_schema.h"

namespace weir::flow {
namespace {

void AddAll(const Sequence& nodes, std::vector<const GraphNode*>& all) {
  for (const GraphNode& node : nodes) {
    all.push_back(&node);
    for (const Way& way : node.ways) AddAll(way.nodes, all);
  }
}

}  // namespace

std::string Describe(const std::vector<Problem>& problems) {
  std::string out;
  for (const Problem& problem : problems) {
    if (!out.empty()) out += '\n';
    if (!problem.place.empty()) StrAppend(out, problem.place, ": ");
    if (problem.warning) out += "warning: ";
    out += problem.message;
  }
  return out;
}

Result<Graph> Graph::Compile(Flow flow) {
  std::vector<Problem> problems;
  Graph graph = Compile(std::move(flow), problems);
  if (!problems.empty()) return Fail(Code::kConfigError, Describe(problems));
  return graph;
}

Graph Graph::Compile(Flow flow, std::vector<Problem>& problems) {
  Graph graph;
  auto owned = std::make_unique<Flow>(std::move(flow));
  BundleShapes(*owned);
  GraphBuilder builder(*owned);
  graph.nodes_ = builder.Build();
  graph.input_ = builder.input();
  problems.insert(problems.end(), builder.problems().begin(), builder.problems().end());
  AddAll(graph.nodes_, graph.all_);
  graph.flow_ = std::move(owned);
  return graph;
}

const GraphNode* Graph::Find(std::string_view id) const {
  const auto at = std::ranges::find(all_, id, [](const GraphNode* node) { return node->node->id; });
  return at == all_.end() ? nullptr : *at;
}

}  // namespace weir::flow
