#pragma once

// The table at the end of a run: what became of the rows, node by node, and what it took.

#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/flow/graph.h"
#include "weir/flow/stats.h"

namespace weir::cli {

struct SummaryOptions {
  int width = 80;
  bool colour = false;
  bool unicode = true;
};

// Columns in which there is nothing are left out; what does not fit beside each other follows in a
// second table.
std::string RunSummary(const flow::Graph& graph, const flow::RunStats& stats, TimePoint now,
                       const SummaryOptions& options);

// Why rows failed: a line for each of the most frequent errors, with the first row that had it.
std::vector<std::string> FailureLines(const flow::RunStats& stats);

}  // namespace weir::cli
