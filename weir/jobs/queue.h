#pragma once

// The durable queue: jobs, who works on them, and what came of them, in a store that survives.
//
// A job is one row for one flow. It belongs to a queue (one for each flow), is claimed by a worker,
// and ends once: its result and its end are one transaction. A worker holds a lease that it has to
// renew; a worker whose lease ran out is lost, its jobs go back to the queue, and whatever it still
// wants to write of them is refused, because each claim of a job has a number of its own (the
// fence).
//
// All times are milliseconds of the store's clock, which all who use the store share: the database
// server's, or the machine's, of which leases and rates count one that goes on whatever somebody
// does to the time of day. Every method is one transaction (Retry, Cancel and Purge of many jobs:
// one for some thousands each), blocks, may be called from any thread, and is tried again by itself
// when a connection is lost, as far as that is safe: a method that was done although its answer was
// lost does the same again, not twice.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"

namespace weir::jobs {

using JobId = std::int64_t;  // grow in the order in which jobs were submitted
using QueueId = std::int64_t;
using WorkerId = std::int64_t;  // never given twice

enum class JobState : std::uint8_t {
  kWaiting = 0,    // for its time
  kQueued = 1,     // for a worker
  kRunning = 2,    // claimed
  kDone = 3,       // with a result
  kFailed = 4,     // with a reason: the dead letters
  kCancelled = 5,  // by somebody
};
inline constexpr int kJobStates = 6;
// "waiting", "queued", "running", "done", "failed", "cancelled".
std::string_view StateName(JobState state);

struct QueueSpec {
  std::string name;
  std::string flow;    // as a worker can read it: FILE or FILE#FLOW
  std::string digest;  // of the flow with all its files
  // Jobs of this queue that run at once, over all workers; unset: as many as workers take.
  std::optional<int> concurrency;
  // Jobs that begin in a second, over all workers; at once at most 10, or a fifth of them if that
  // is more.
  std::optional<double> rate;
  int max_crashes = 3;   // a job under which so many workers died is a dead letter
  int max_attempts = 3;  // a job that failed so often, too
};

struct QueueInfo {
  QueueId id = 0;
  QueueSpec spec;
  std::int64_t counts[kJobStates] = {};   // by JobState
  std::optional<std::int64_t> oldest_ms;  // how long the first queued job has waited
  std::int64_t crashes = 0;               // claims that were lost with their worker, ever
  std::int64_t repeated_calls = 0;        // calls that were in flight then, and asked again
  std::optional<std::int64_t> next_ms;    // until the first of the waiting jobs is queued
};

struct NewJob {
  std::string key;                         // two jobs of a queue with the same key are one
  std::string row_id;                      // for people
  std::string row;                         // JSON, an object
  int priority = 0;                        // higher goes first
  std::optional<std::int64_t> not_before;  // milliseconds since 1970 by the wall clock
};

struct Submitted {
  std::int64_t accepted = 0;
  std::int64_t known = 0;  // were there already, whatever came of them
};

// One claim of a job.
struct Claimed {
  JobId id = 0;
  std::int64_t fence = 0;
  QueueId queue = 0;
  std::string key;
  std::string row_id;
  std::string row;
  int attempts = 0;  // that ended before, not with a crash
  int crashes = 0;
  std::int64_t submitted_at = 0;
};

struct Claims {
  bool alive = true;  // false: the lease was lost, and the worker is no more
  std::vector<Claimed> jobs;
};

struct ClaimFrom {
  QueueId queue = 0;
  int most = 0;
};

// How one claim ended.
struct Ended {
  enum class How : std::uint8_t {
    kDone,
    kFailed,  // for good
    kAgain,   // queued again after `delay`, or failed after the last attempt
    kBack,    // nobody's fault: queued again after `delay`
  };
  JobId id = 0;
  std::int64_t fence = 0;
  How how = How::kDone;
  Duration delay{};
  int tries = 0;         // attempts that ended in this claim; all but kBack were at least one
  std::string result;    // JSON: what the flow gave; of kDone
  std::string metadata;  // JSON, an object: who made it, or failed to; may be empty
  std::string attempts;  // JSON, an array of attempt records; may be empty
  std::string error;     // its name; of kFailed and kAgain
  std::string message;
};

struct WorkerSpec {
  std::string name;  // for people: host and pid
  Duration lease = std::chrono::seconds(30);
};

// How a worker stands, as it says itself with each beat.
struct WorkerState {
  std::string paused;                // why it begins no job of some queues; empty: of all it does
  int resting = 0;                   // jobs that it holds until they are tried again
  std::optional<Duration> next_try;  // until the first of them is
};

struct Beat {
  bool alive = true;             // false: the lease was lost, and the worker is no more
  std::vector<JobId> cancelled;  // of those that it holds: somebody wants no result
};

struct WorkerInfo {
  WorkerId id = 0;
  std::string name;
  std::int64_t since_ms = 0;  // for how long it has been there
  std::int64_t seen_ms = 0;   // since its last beat
  std::int64_t lease_ms = 0;  // after so long without one it is lost
  int running = 0;
  // Of its WorkerState, as it was told last.
  std::string paused;
  int resting = 0;
  std::optional<std::int64_t> next_try_ms;  // from now; 0: it is over
};

struct Reaped {
  int workers = 0;      // whose lease had run out
  int requeued = 0;     // jobs of theirs
  int quarantined = 0;  // jobs of theirs that had crashed too often: dead letters now
};

// What is known of one job.
struct JobInfo {
  JobId id = 0;
  QueueId queue = 0;
  JobState state = JobState::kQueued;
  std::string key;
  std::string row_id;
  std::string row;
  int priority = 0;
  int attempts = 0;
  int crashes = 0;
  std::string result;    // JSON; empty: none
  std::string metadata;  // JSON, of done and failed ones; empty: none
  std::string tries;     // JSON, an array: the attempt records of all claims; only of Find()
  std::string error;
  std::string message;
};

// Which jobs of a queue a command is about: all that match everything that is set.
struct Selection {
  QueueId queue = 0;
  std::vector<JobState> states;
  std::vector<JobId> ids;                  // empty: any
  std::string error;                       // the name of the error; empty: any
  std::optional<std::int64_t> older_than;  // ended at least so many milliseconds ago
};

// What an agent (a queue) is to be worked with: one of its variants is the active one.
struct Variant {
  std::string agent;
  std::string variant;
  std::string config;  // JSON, an object: {"provider", "engine", "model"}
  bool active = false;
};

class JobStore {
 public:
  virtual ~JobStore() = default;

  // "sqlite:jobs.db", "postgres://weir@db/weir" without its password: for messages.
  virtual std::string Where() const = 0;
  // Made with the store, and no other's: job 7 of two stores are two jobs. Hexadecimal digits.
  virtual Result<std::string> Id() = 0;

  // Makes the queue, or changes what differs. Changes of `flow` and `digest` are for new jobs to
  // tell: jobs that are there stay.
  virtual Result<QueueId> Declare(const QueueSpec& spec) = 0;
  virtual Result<std::vector<QueueInfo>> Queues() = 0;
  // Removes a queue. False, and nothing is changed, while it has jobs, or while there is a worker
  // whose lease has not run out: one that works this queue would go on without it.
  virtual Result<bool> Remove(QueueId queue) = 0;

  virtual Result<Submitted> Submit(QueueId queue, std::span<const NewJob> jobs) = 0;

  virtual Result<WorkerId> Enlist(const WorkerSpec& spec) = 0;
  // Renews the lease, also one that has run out while nobody has ended the worker for it; so does a
  // claim that gives jobs.
  virtual Result<Beat> Renew(WorkerId worker, const WorkerState& state) = 0;
  // The worker is no more; what it still holds goes back to the queue, blamed on nobody.
  virtual Result<void> Retire(WorkerId worker) = 0;
  virtual Result<std::vector<WorkerInfo>> Workers() = 0;
  // Ends workers whose lease ran out. Whoever calls it, one does it at a time.
  virtual Result<Reaped> Reap() = 0;

  // The next jobs: those of higher priority first, then the older ones. Waiting jobs whose time has
  // come are among them.
  virtual Result<Claims> Claim(WorkerId worker, std::span<const ClaimFrom> from) = 0;
  // Returns those that counted; of the others the lease was lost, or somebody cancelled them.
  virtual Result<std::vector<JobId>> Complete(WorkerId worker, std::span<const Ended> ended) = 0;
  // So many calls of jobs of this queue, which a crash had in flight, are asked again. When the
  // answer is lost with a connection they may be counted twice; when it fails, and the job ends
  // before it is claimed again, not at all.
  virtual Result<void> CountRepeated(QueueId queue, std::int64_t calls) = 0;
  // Returns when there may be work, after `most`, or after Wake(). At once when it cannot tell.
  virtual Result<void> WaitForWork(Duration most) = 0;
  virtual void Wake() = 0;

  // Jobs behind `after` in the order of their ids, at most `most`; `states` empty: all.
  virtual Result<std::vector<JobInfo>> List(const Selection& selection, JobId after, int most) = 0;
  virtual Result<std::optional<JobInfo>> Find(JobId id) = 0;

  // How many jobs it was. Retry() is for failed and cancelled ones: they are queued as if new;
  // Cancel() for those that have not ended, running ones end with their worker's next beat;
  // Purge() removes jobs that have ended, with their results.
  virtual Result<std::int64_t> Retry(const Selection& selection) = 0;
  virtual Result<std::int64_t> Cancel(const Selection& selection) = 0;
  virtual Result<std::int64_t> Purge(const Selection& selection) = 0;

  // Writes one variant; an active one takes the place of the one before. Empty `config`: only
  // activates one that is there, or fails with kConfigError.
  virtual Result<void> SetVariant(const Variant& variant) = 0;
  virtual Result<std::optional<Variant>> ActiveVariant(std::string_view agent) = 0;
  virtual Result<std::vector<Variant>> Variants() = 0;
};

struct StoreOptions {
  // Brings an older schema up to date. Else an older one is refused, and `weir jobs migrate` named.
  bool migrate = true;
  std::function<std::int64_t()> now_ms;          // instead of the store's clock, for tests
  Duration patience = std::chrono::seconds(60);  // how long a lost connection is tried again
};

// "sqlite:FILE" or "postgres://…", "postgresql://…". Fails with kConfigError for anything else, for
// a store of a newer version, and when the library for it is not there.
Result<std::unique_ptr<JobStore>> OpenStore(const std::string& url, const StoreOptions& options);

// The version of the schema that this weir writes, and the one that the store has (0: none yet).
inline constexpr int kSchemaVersion = 2;
Result<int> StoreVersion(const std::string& url);

}  // namespace weir::jobs
