#pragma once

// Shift: one queue under one assignment. When the configuration changes, jobs that have begun end
// in the shift that they began in, and new ones begin in the next; so none is mislabelled.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/flow/run.h"
#include "weir/flow/stats.h"
#include "weir/flow/walk.h"
#include "weir/jobs/bell.h"
#include "weir/jobs/job_answers.h"
#include "weir/jobs/worker.h"

namespace weir::jobs {

class Shift {
 public:
  // `queue`, `loop` and `journal` outlive it.
  Shift(const async::Loop& loop, const WorkQueue& queue, Resolved resolved, AnswerJournal& journal,
        int concurrency, std::function<void(const flow::AskedOnce& asked)> on_call);

  // Starts managed servers, looks whether models are there and warms prefixes up. Fails for what a
  // person has to mend; a server that does not answer is no such thing.
  async::Task<Result<void>> Open(async::Context ctx);
  // The server that did not answer Open().
  const std::optional<Error>& away() const { return away_; }
  // Ends what Open() has started, once nothing runs any more.
  async::Task<void> Close(async::Context ctx);

  // The servers that another shift of the same engines has started are this one's to stop.
  void TakeOver(Shift& other) { started_.merge(std::exchange(other.started_, {})); }

  // What came of one walk through the flow.
  struct End {
    bool aborted = false;        // cancelled, or the engine is gone: nobody's fault
    bool put_off = false;        // ... since a worker that has lost the job is still at it
    std::optional<Error> error;  // why it failed
    std::string result;          // JSON
  };
  async::Task<End> Walk(async::Context ctx, const Claimed& job, json::Value row);

  // The engine is gone, or the journal cannot be written: no job can be begun here any more.
  const std::optional<Error>& stopped() const { return walker_.stopped(); }
  // Fails when its engines do not answer, do not let us in or do not have the models: then no job
  // can be done here. The answer is of a look that began behind the call: whoever comes while one
  // is under way waits for the next, which is one for all of them.
  async::Task<Result<void>> Check(async::Context ctx);

  const Assignment& assignment() const { return resolved_.assignment; }
  const Resolved& resolved() const { return resolved_; }
  JobAnswers& answers() { return answers_; }
  std::uint32_t InputOf(const Claimed& job) const;

  int running = 0;  // jobs in it

 private:
  std::vector<std::string> Engines() const;
  async::Task<Result<void>> LookAtEngines(async::Context ctx);

  const WorkQueue& queue_;
  const Resolved resolved_;
  flow::RunOptions options_;
  flow::RunStats stats_;
  JobAnswers answers_;
  flow::Walker walker_;
  const bool has_agents_;
  std::set<std::string> started_;
  std::optional<Error> away_;

  // Looks at the engines, of which one at most is under way.
  bool looking_ = false;
  std::uint64_t looks_begun_ = 0;
  std::uint64_t looked_ = 0;  // the last one that came to its end, and what it saw
  Result<void> seen_;
  Bell look_over_;
};

}  // namespace weir::jobs
