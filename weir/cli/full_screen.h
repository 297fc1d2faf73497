#pragma once

// The whole of a terminal, lent to a command, with the keys that are typed there.

#include <string>
#include <vector>

#include <termios.h>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/cli/live_lines.h"
#include "weir/cli/terminal.h"

namespace weir::cli {

// Between two looks at the keys.
inline constexpr Duration kScreenTick = std::chrono::milliseconds(100);

// Where its frames stand is a screen of their own; what was there before comes back when it is
// destroyed, with the ways of the keyboard. Ctrl-C stays a signal.
class FullScreen {
 public:
  // `terminal` must outlive it. Keys come from stdin, or from the terminal itself when stdin is
  // none.
  explicit FullScreen(Terminal& terminal);
  ~FullScreen();
  FullScreen(const FullScreen&) = delete;
  FullScreen& operator=(const FullScreen&) = delete;

  void Draw(std::vector<std::string> lines);
  // What was typed since; never waits.
  std::string ReadKeys() const;

 private:
  Terminal& terminal_;
  LiveLines lines_;
  Terminal::Size size_;
  int keys_ = -1;  // no keys
  bool owns_keys_ = false;
  termios before_{};
};

}  // namespace weir::cli
