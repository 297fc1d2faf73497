#pragma once

// How far a command is, on stderr: one line that is written over on a terminal, elsewhere a line
// now and then.

#include <string>

#include "weir/base/clock.h"
#include "weir/base/env.h"
#include "weir/cli/terminal.h"

namespace weir::cli {

class ProgressView {
 public:
  // `terminal` and `clock` outlive it.
  ProgressView(const Terminal& terminal, const Env& env, const Clock& clock);
  ~ProgressView() { Clear(); }
  ProgressView(const ProgressView&) = delete;
  ProgressView& operator=(const ProgressView&) = delete;

  // Whether it is time for a new one: ten times a second on a terminal, else every five seconds.
  bool due() const { return clock_.Now() >= next_; }
  void Show(const std::string& text);
  // Takes it away, so that something else can be written.
  void Clear();

 private:
  const Terminal& terminal_;
  const Clock& clock_;
  const bool live_;
  const bool unicode_;
  TimePoint next_;
  bool shown_ = false;
};

}  // namespace weir::cli
