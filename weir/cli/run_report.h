#pragma once

// The page that a run leaves beside its results, and the figures over time that it draws.

#include "weir/async/loop.h"
#include "weir/cli/command.h"
#include "weir/cli/flow_files.h"
#include "weir/cli/run_job.h"
#include "weir/flow/stats.h"
#include "weir/flow/timeline.h"

namespace weir::cli {

// Looks at the figures of a run twice a second. Belongs to the loop's thread.
class TimelineKeeper {
 public:
  TimelineKeeper(async::Loop& loop, const flow::RunStats& stats);

  const flow::Timeline& End();

 private:
  void Look();

  async::Loop& loop_;
  const flow::RunStats& stats_;
  async::Alarm alarm_;
  const TimePoint began_;
  flow::Timeline timeline_;
};

// Writes report.html. Whether it is there; why not is told as a warning.
bool WriteReport(const RunJob& job, const LoadedFlow& loaded, const flow::RunStats& stats,
                 const flow::Timeline& timeline, TimePoint now, Session& session);

}  // namespace weir::cli
