#include "weir/flow/passes.h"

#include <algorithm>
#include <utility>

#include "weir/flow/call.h"

namespace weir::flow {

std::set<std::string> EnginesIn(const Graph& graph, const GraphNode& node, EngineHost& engines,
                                const RunOptions& options) {
  std::set<std::string> names;
  if (const Step* step = node.step()) {
    names.insert(engines.NameOf(EngineOf(graph.flow(), *step, options)));
  }
  for (const Way& way : node.ways) {
    for (const GraphNode& inner : way.nodes) {
      names.merge(EnginesIn(graph, inner, engines, options));
    }
  }
  return names;
}

std::vector<PassPlan> PlanPasses(const Graph& graph, EngineHost& engines,
                                 const RunOptions& options) {
  std::vector<PassPlan> passes(1);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const GraphNode& node = graph.nodes()[i];
    std::set<std::string> asked = EnginesIn(graph, node, engines, options);
    std::set<std::string> lazy;
    for (const std::string& name : asked) {
      if (engines.LifecycleOf(name) == EngineHost::Lifecycle::kLazy) lazy.insert(name);
    }
    PassPlan& open = passes.back();
    const bool other_engines =
        !lazy.empty() && !open.lazy.empty() && !std::ranges::includes(open.lazy, lazy);
    if (open.to > open.from && (node.node->barrier || other_engines)) {
      passes.push_back({.from = i, .to = i, .lazy = {}, .engines = {}});
    }
    PassPlan& pass = passes.back();
    pass.to = i + 1;
    pass.lazy.merge(lazy);
    pass.engines.merge(asked);
  }
  return passes;
}

}  // namespace weir::flow
