#pragma once

// What `weir jobs status` shows of queues and workers, as lines of text and as JSON.

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/cli/command.h"
#include "weir/cli/frame_table.h"
#include "weir/jobs/queue.h"

namespace weir::cli {

struct JobsMoment {
  std::string store;
  std::vector<jobs::QueueInfo> queues;
  std::vector<jobs::WorkerInfo> workers;
};

// How fast jobs of each queue end, over the last seconds.
class JobsRates {
 public:
  void Sample(const std::vector<jobs::QueueInfo>& queues, TimePoint now);
  // Jobs a second; unset until there are two samples.
  std::optional<double> Of(jobs::QueueId queue) const;

 private:
  struct Point {
    TimePoint at;
    std::map<jobs::QueueId, std::int64_t> ended;
  };
  std::deque<Point> points_;
};

struct JobsBoardOptions {
  int width = 80;
  int height = 0;  // 0: as many lines as it takes
  bool colour = false;
  bool unicode = false;
  std::string title;  // a first line: what is looked at, and when; empty: none
  std::string note;   // what is wrong, below it
  bool keys = false;  // a last line names the keys
  std::string store;  // StoreChoice::flag, for commands to be copied
};

// `rates` may be null.
std::vector<std::string> JobsLines(const JobsMoment& moment, const JobsRates* rates,
                                   const JobsBoardOptions& options);

// {"store", "queues": [...], "workers": [...]} with its newline.
std::string JobsJson(const JobsMoment& moment, const JobsRates* rates);

// A table as it fits on stdout.
std::string LinesOf(const FrameTable& table, const Session& session);

}  // namespace weir::cli
