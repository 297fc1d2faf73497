#pragma once

// What `weir top` shows of one moment, as lines of text: throughput, engines, agents, and what
// happened last with the answers that are coming.

#include <string>
#include <vector>

#include "weir/events/activity_state.h"

namespace weir::cli {

struct TopFrameOptions {
  int width = 80;   // columns of the terminal; lines are one shorter, so that none wraps
  int height = 24;  // its rows; there is one line less, for the cursor
  bool colour = true;
  bool unicode = true;   // false: ASCII signs
  std::string source;    // where the events come from
  std::string note;      // what else the title says: paused, the end
  std::string selected;  // the key of an agent: its events alone are shown; empty: all
  bool keys = true;      // a last line names the keys
};

// A narrow terminal gets fewer columns, a low one fewer rows of each table.
std::vector<std::string> TopFrame(const events::ActivityState& state,
                                  const TopFrameOptions& options);

// What the keys do.
std::vector<std::string> TopHelp(const TopFrameOptions& options);

}  // namespace weir::cli
