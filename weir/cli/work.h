#pragma once

// What a command works with: a loop of its own, Ctrl-C, SIGTERM and SIGHUP that cancel, warnings
// that are told at once.

#include <optional>
#include <vector>

#include "weir/async/context.h"
#include "weir/async/signals.h"
#include "weir/cli/warnings.h"
#include "weir/events/tee.h"

namespace weir::cli {

// SIGHUP is left to who watches it already, and ignored under nohup.
class Work {
 public:
  // All of them outlive this; `sinks` are told everything too.
  Work(async::Loop& loop, const Terminal& terminal, std::vector<TraceSink*> sinks = {});
  // The same for those who tell warnings in their own way.
  Work(async::Loop& loop, const std::vector<TraceSink*>& sinks);

  // With the limit `total` over all of it; zero: none.
  async::Context NewContext(Duration total);

 private:
  void WatchHangup();

  async::Loop& loop_;
  async::Cancellation cancellation_;
  const async::SignalWatch interrupt_;
  std::optional<async::SignalWatch> hangup_;
  std::optional<WarningSink> warnings_;
  events::Tee everything_;
};

}  // namespace weir::cli
