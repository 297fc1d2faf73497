#pragma once

// What a run looks like at one moment, as lines of text: the whole, the engines that are on their
// way, and the graph as a tree with the figures of each node.

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/cli/run_rates.h"
#include "weir/flow/graph.h"
#include "weir/flow/stats.h"

namespace weir::cli {

struct FrameOptions {
  int width = 80;   // columns of the terminal; lines are one shorter, so that none wraps
  int height = 24;  // its rows; there is one line less, for the cursor
  bool colour = true;
  bool unicode = true;  // false: ASCII signs
};

// A narrow terminal gets fewer columns. Where the tree is higher than the terminal, branches in
// which nothing happens are folded, then nodes are left out, and how many is said.
std::vector<std::string> RunFrame(const flow::Graph& graph, const flow::RunStats& stats,
                                  const Rates& rates, TimePoint now, const FrameOptions& options);

// "1,200 of 2,000 rows · 1,196 ok · 4 failed · 210 rows/s · 12,300 tokens/s · 4 s left"
std::string ProgressLine(const flow::RunStats& stats, const Rates& rates, TimePoint now,
                         bool unicode);

// Text from outside in one line that does nothing to a terminal.
std::string OneLine(std::string_view text);
// The text, cut to `width` columns with a sign that says so.
std::string CutTo(std::string_view text, int width, bool unicode);

}  // namespace weir::cli
