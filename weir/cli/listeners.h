#pragma once

// Who hears of what a command does, beside the terminal: the file of --events or of `events:`, and
// a collector.

#include <memory>
#include <string>
#include <vector>

#include "weir/cli/command.h"
#include "weir/client/collector.h"
#include "weir/config/config.h"
#include "weir/events/call_figures.h"
#include "weir/events/event.h"

namespace weir::cli {

class Listeners {
 public:
  // `file` is that of --events, which has the spans too; empty: the configuration's. `loop` and
  // `session` must outlive it.
  static Result<Listeners> Open(async::Loop& loop, const config::EventsConfig& config,
                                const std::string& file, Session& session);

  std::vector<TraceSink*> sinks() const;

  // The work is done: sends what a collector waits for, and writes the figures. A failure is a
  // warning, and so are events that the file has not got.
  void Finish(const Terminal& terminal);

 private:
  std::unique_ptr<events::JsonlSink> file_;
  std::unique_ptr<TraceSink> to_file_;  // what of an event goes there
  std::unique_ptr<client::Collector> collector_;
  std::string metrics_file_;
  std::unique_ptr<events::MetricsRegistry> metrics_;
  std::unique_ptr<events::CallFigures> figures_;
};

}  // namespace weir::cli
