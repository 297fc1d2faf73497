#pragma once

// The graph of a run as the lines of a tree.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/cli/run_rates.h"
#include "weir/flow/graph.h"
#include "weir/flow/stats.h"

namespace weir::cli {

struct TreeLine {
  std::string rails;                      // what stands to the left: "│ ├ "
  std::string name;                       // "formal: rewrite"
  std::string engine;                     // of a step, if it is named
  const flow::GraphNode* node = nullptr;  // null: a way with several nodes, or a fold
  std::optional<std::uint64_t> rows;      // that will come to the node, where that is known
  bool busy = false;                      // something happens there
};

// At most `max_lines` (at least one): branches in which nothing happens are folded first, then the
// nodes that are not busy are left out, and a last line says how many.
std::vector<TreeLine> RunTree(const flow::Graph& graph, const flow::RunStats& stats,
                              const Rates& rates, std::size_t max_lines, bool unicode);

}  // namespace weir::cli
