#pragma once

// Worker: takes jobs of some queues from a store, leads their rows through the queues' flows, and
// writes what came of them. It survives what it works with: a store that is away is tried again, an
// engine that is gone stops the claiming until it answers, a lease that was lost is given up.
//
// The line of a job: Claim() -> Do() -> flow::Walker (-> engine) -> Deliver() -> Complete().

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/flow/run.h"
#include "weir/jobs/answer_journal.h"
#include "weir/jobs/job_record.h"
#include "weir/jobs/pace.h"
#include "weir/jobs/queue.h"

namespace weir::jobs {

// What jobs of a queue are worked with, as its configuration says at a time.
struct Resolved {
  Assignment assignment;
  std::shared_ptr<flow::EngineHost> engines;
  ProviderOf provider_of;
  // The engine that does not answer, for which `assignment` stands in; empty: it is the one that
  // was meant.
  std::string stands_in_for;
};

// Says what an agent is to be worked with now: reads its configuration again. Gives the same
// `engines` as long as nothing changed. Fails when the configuration is wrong.
using Resolve = std::function<async::Task<Result<Resolved>>(async::Context ctx, std::string agent)>;

// One queue of a worker.
struct WorkQueue {
  QueueId id = 0;
  QueueSpec spec;  // its name is the agent's
  const flow::Graph* graph = nullptr;
  flow::RunOptions options;
};

struct WorkerOptions {
  std::string name;         // host and pid
  int concurrency = 16;     // jobs under way
  int refresh_every = 100;  // jobs of a queue; then its configuration is read again
  Duration lease = std::chrono::seconds(30);
  Duration beat{};                            // how often it is renewed; 0: four times a lease
  Duration drain = std::chrono::seconds(30);  // what jobs under way are given at the end
  Duration slow{};                            // PaceOptions
  bool exit_when_empty = false;               // nothing is queued, waiting or running in the queues
  std::optional<std::int64_t> most_jobs;      // then no more is begun; unset: it goes on
  // Before a job is tried again, and before an engine that is gone is looked at again. They double
  // up to 30 s.
  Duration first_wait = std::chrono::milliseconds(500);
  Duration first_look = std::chrono::seconds(1);
};

// What a worker has done so far, and how it stands. Read on its loop.
struct WorkerFigures {
  struct Queue {
    std::string name;
    std::uint64_t claimed = 0;
    std::uint64_t ended[4] = {};  // by Ended::How
    std::uint64_t lost = 0;       // results that did not count any more
    std::string engine;           // that jobs begin with, and for which it stands in
    std::string stands_in_for;
  };
  std::vector<Queue> queues;  // as they were given
  std::uint64_t leases_lost = 0;
  std::uint64_t repeated_calls = 0;  // that a crash had in flight
  std::uint64_t answers_found = 0;   // of before a crash
  std::uint64_t switches = 0;        // of providers, models or variants
  std::uint64_t store_errors = 0;
  std::uint64_t quarantined = 0;
  int running = 0;
  int resting = 0;  // begun, and waiting to be tried again
  int limit = 0;
  bool paused = false;  // no engine answers
  bool draining = false;
  bool store_away = false;
};

class Worker {
 public:
  // All of them outlive it.
  Worker(JobStore& store, AnswerJournal& journal, Resolve resolve, std::vector<WorkQueue> queues,
         WorkerOptions options);
  ~Worker();

  // Works until Drain() and then until the jobs under way have ended, or until there is nothing
  // left (exit_when_empty). Cancelled, it gives back what is under way and ends at once. Fails when
  // the first configuration is wrong, and when the journal cannot be written; everything else is
  // told as events "jobs.*" and survived.
  async::Task<Result<void>> Run(async::Context ctx);

  // No job is begun any more; on the loop's thread.
  void Drain();

  // Has the configuration of every queue read again, whatever `refresh_every` says: before its next
  // job is begun, and without one at once; an engine that does not answer is looked at at once,
  // too. What has begun ends as it began. On the loop's thread, from Run()'s begin on; it returns
  // before anything is read. When no job is begun any more it does nothing.
  void Refresh();

  const WorkerFigures& figures() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace weir::jobs
