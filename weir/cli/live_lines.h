#pragma once

// Lines at the lower end of a terminal that are drawn again and again. Only lines that changed are
// written, and the terminal is asked to show each frame at once, so that nothing flickers.

#include <string>
#include <string_view>
#include <vector>

#include "weir/cli/terminal.h"

namespace weir::cli {

// A machine: frames in, bytes for the terminal out. The cursor is hidden from the first frame to
// Finish(), and rests in the line below the frame.
class LiveLines {
 public:
  // What to write for `lines` to stand there in place of the last ones, and `above` for good before
  // them. Each line is narrower than the terminal and there are fewer than it has rows; a terminal
  // that has changed its size is expected to have wrapped the old ones anew.
  std::string Draw(std::vector<std::string> lines, Terminal::Size size,
                   std::string_view above = {});

  // Gives the cursor back; what stands there stays, or goes when `erase` is set.
  std::string Finish(Terminal::Size size, bool erase);

 private:
  int RowsOnScreen(Terminal::Size size) const;
  void GoToTop(std::string& out, int rows) const;

  std::vector<std::string> drawn_;
  Terminal::Size size_{};
  bool hidden_ = false;  // the cursor
};

}  // namespace weir::cli
