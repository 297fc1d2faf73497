#include "weir/cli/run_report.h"

#include <chrono>
#include <string>

#include "weir/flow/folder.h"
#include "weir/flow/report.h"
#include "weir/json/reader.h"
#include "weir/store/files.h"

namespace weir::cli {

TimelineKeeper::TimelineKeeper(async::Loop& loop, const flow::RunStats& stats)
    : loop_(loop), stats_(stats), alarm_(loop, [this] { Look(); }), began_(loop.Now()) {
  Look();
}

const flow::Timeline& TimelineKeeper::End() {
  Look();
  alarm_.Disarm();
  return timeline_;
}

void TimelineKeeper::Look() {
  const TimePoint now = loop_.Now();
  const flow::NodeStats sum = stats_.Sum();
  timeline_.Add({.seconds = std::chrono::duration<double>(now - began_).count(),
                 .rows_done = stats_.rows_done,
                 .rows_failed = stats_.rows_failed,
                 .prompt_tokens = sum.prompt_tokens,
                 .completion_tokens = sum.completion_tokens});
  alarm_.Arm(now + std::chrono::milliseconds(500));
}

bool WriteReport(const RunJob& job, const LoadedFlow& loaded, const flow::RunStats& stats,
                 const flow::Timeline& timeline, TimePoint now, Session& session) {
  const Result<json::Value> run = flow::RunFolder::ReadRun(job.folder);
  const Result<json::Value> totals = json::Read(stats.Json(now));
  if (!run || !totals) return false;
  const std::string page = flow::HtmlReport(loaded.graph, {.run = *run,
                                                           .totals = *totals,
                                                           .timeline = timeline.points(),
                                                           .errors = stats.errors,
                                                           .engines = stats.engines,
                                                           .cache_hit_rate = stats.CacheHitRate()});
  const Result<void> written =
      store::ReplaceFile(job.folder + "/report.html", page, {.durable = false});
  if (!written) session.terminal.Warn(written.error().message);
  return written.has_value();
}

}  // namespace weir::cli
