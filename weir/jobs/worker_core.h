#pragma once

// What is inside a Worker: some tasks of one loop, which share what stands here.
//
//   Claimer    takes jobs from the store, a little more than can run        worker.cc
//   Beginner   begins them, and changes shifts when the configuration does  worker.cc
//   Do         one job, from its row to what came of it                     worker_job.cc
//   Deliverer  writes what came of jobs, as many at once as there are       worker_store.cc
//   Keeper     renews the lease, ends workers that are lost                 worker_store.cc
//   Mender     where an engine is gone: asks until it answers               worker_mend.cc

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "weir/async/scope.h"
#include "weir/jobs/bell.h"
#include "weir/jobs/shift.h"
#include "weir/jobs/worker.h"

namespace weir::jobs {

// Times the jobs that may be under way: with so many of a queue begun and not ended, none of it is
// begun.
inline constexpr int kUnended = 4;
// An engine that went away under a job so often, and was there again: it may be the job.
inline constexpr int kMostGiveBacks = 3;

class Worker::Core {
 public:
  Core(JobStore& store, AnswerJournal& journal, Resolve resolve, std::vector<WorkQueue> queues,
       WorkerOptions options);

  async::Task<Result<void>> Run(async::Context ctx);
  void Drain();
  void Refresh();
  const WorkerFigures& figures() const { return figures_; }

 private:
  // One queue, and who works on it.
  struct Post {
    const WorkQueue* queue = nullptr;
    std::size_t index = 0;
    std::unique_ptr<Shift> shift;
    std::vector<std::unique_ptr<Shift>> earlier;  // that still have jobs
    std::uint64_t begun = 0;
    bool stale = false;  // its configuration is to be read again, before anything is begun
    bool paused = false;
    std::string paused_for;  // as it was told last; empty: it goes on
    // Calls were refused although the server answers: after the pause one job at a time is begun,
    // until one is answered.
    bool refused = false;
    bool on_trial = false;
    std::uint64_t resumed = 0;  // how often it went on
    Duration mend_wait{};
    TimePoint mend_at{};  // while it is paused: the next look
  };
  // A job that was given back when its engine was gone.
  struct Suspicion {
    int times = 0;              // each behind a pause of its own
    std::uint64_t resumed = 0;  // Post::resumed at the last
    std::uint64_t last = 0;     // grows with each
  };
  struct Ready {
    Post* post = nullptr;
    WorkerId worker = 0;
    Claimed job;
  };
  struct Done {
    Post* post = nullptr;
    WorkerId worker = 0;
    Ended ended;
    std::uint64_t asked = 0;  // of kBack: calls without an answer, which have cost nothing
  };
  struct Running {
    WorkerId worker = 0;
    async::Cancellation* cancellation = nullptr;
    bool cancelled = false;  // by somebody who wants no result
  };

  async::Task<Result<void>> OpenShifts(async::Context ctx);
  async::Task<Result<void>> Enlist(async::Context ctx);
  async::Task<void> ClaimAll(async::Context ctx);
  async::Task<bool> ClaimSome(async::Context ctx);
  async::Task<void> GiveUpLease(async::Context ctx);
  async::Task<bool> NothingIsLeft(async::Context ctx);
  async::Task<void> WaitForWork(async::Context ctx);
  async::Task<void> BeginAll(async::Context ctx, async::TaskScope& jobs);
  async::Task<Result<Resolved>> Read(async::Context ctx, Post& post);
  async::Task<void> RefreshPost(async::Context ctx, Post& post);
  async::Task<Result<std::unique_ptr<Shift>>> NewShift(async::Context ctx, const Post& post,
                                                       Resolved resolved);
  async::Task<void> Change(async::Context ctx, Post& post, std::unique_ptr<Shift> shift);
  void Relieve(Post& post, std::unique_ptr<Shift> shift);
  async::Task<void> CloseIdle(async::Context ctx, Post& post);
  async::Task<void> CloseShifts(async::Context ctx);
  async::Task<void> Mend(async::Context ctx);
  async::Task<void> MendPost(async::Context ctx, Post& post);
  enum class Why : std::uint8_t { kAway, kRefused };
  void Pause(const async::Context& ctx, Post& post, const Error& error, Why why = Why::kAway);
  void GoOn(const async::Context& ctx, Post& post);
  bool IsToBlame(const async::Context& ctx, const Post& post, const Claimed& job,
                 const Error& error);
  bool NeedsToBeAlone(const Post& post, const Claimed& job) const;
  async::Task<Result<std::unique_ptr<Shift>>> NewWellShift(async::Context ctx, Post& post);
  async::Task<Result<std::unique_ptr<Shift>>> LookForShift(async::Context ctx, Post& post);
  async::Task<void> WaitToBeAlone(async::Context ctx);
  void GiveBack(const Ready& ready);
  void GiveBackReady();
  async::Task<void> End(async::Context ctx, async::TaskScope& jobs);

  async::Task<void> Do(async::Context ctx, Post& post, Shift& shift, Ready ready);
  async::Task<Shift::End> Try(async::Context ctx, Post& post, Shift& shift, const Claimed& job,
                              json::Value row, int& tries);
  // What becomes of the job. `asked`: calls without an answer that have cost nothing.
  Ended Judge(const async::Context& ctx, const Post& post, Shift& shift, const Claimed& job,
              Shift::End end, int tries, std::uint64_t& asked);
  static void TellEnd(const async::Context& ctx, const Post& post, const Shift& shift,
                      const Claimed& job, const Ended& ended, Duration took);
  async::Task<void> Rest(async::Context ctx, Duration wait);
  WorkerState State(const async::Context& ctx) const;
  static bool MayBeTriedAgain(const Post& post, const Claimed& job, const Error& error, int tries);
  async::Task<BegunBefore> LookUp(async::Context ctx, const Shift& shift, const Claimed& job);
  void NoteCall(const flow::AskedOnce& asked);
  void Hand(Post& post, WorkerId worker, Ended ended, std::uint64_t asked = 0);

  async::Task<void> DeliverAll(async::Context ctx);
  // What it leaves in `batch` when it fails has to wait.
  async::Task<Result<void>> Deliver(async::Context ctx, std::vector<Done>& batch);
  async::Task<Result<void>> DeliverOne(async::Context ctx, const Done& done);
  // All of `batch` are of one lease. Returns those that counted.
  async::Task<Result<std::vector<JobId>>> Write(async::Context ctx, const std::vector<Done>& batch);
  void Delivered(const async::Context& ctx, const std::vector<Done>& batch,
                 const std::vector<JobId>& counted);
  async::Task<void> KeepLease(async::Context ctx);
  void TakeBeat(const async::Context& ctx, const Beat& beat);
  void LoseLease(const async::Context& ctx);
  void TellReaped(const async::Context& ctx, const Reaped& reaped);
  void StoreFailed(const async::Context& ctx, const Error& error);
  void StoreWorks(const async::Context& ctx);

  bool ends() const { return figures_.draining || fatal_.has_value(); }
  std::int64_t Left() const;  // jobs that may still be begun
  int room() const { return pace_.limit() - figures_.running; }
  // For jobs that have not begun: those that have come before them.
  int free_places() const { return std::max(0, room() - rested_); }
  bool MayBegin() const;
  bool Takes(const Post& post) const;  // jobs of its queue

  JobStore& store_;
  AnswerJournal& journal_;
  const Resolve resolve_;
  const std::vector<WorkQueue> queues_;
  const WorkerOptions options_;
  const async::Loop* loop_ = nullptr;

  std::vector<Post> posts_;
  Pace pace_;
  WorkerFigures figures_;
  WorkerId worker_ = 0;  // 0: there is no lease
  TimePoint store_well_since_{};
  bool doubtful_ = false;  // a claim of this lease may have been made without our knowledge
  bool claiming_ = false;
  bool alone_ = false;  // a job that may be poison runs, and nothing beside it
  std::deque<Ready> ready_;
  std::vector<Done> done_;
  std::size_t delivering_ = 0;
  std::map<JobId, Running> running_;
  std::multiset<TimePoint> next_tries_;  // of jobs that rest
  int rested_ = 0;                       // jobs that wait for room to be tried again
  std::map<JobId, Suspicion> suspects_;
  std::uint64_t suspicions_ = 0;
  bool beat_now_ = false;  // how the worker stands has changed
  std::uint64_t begun_ = 0;
  bool waiting_ = false;  // in the store, for work
  bool told_to_end_ = false;
  bool full_measure_ = false;  // as many were begun as there may be
  bool finishing_ = false;     // nothing comes any more: what is done is delivered, then the end
  std::optional<Error> fatal_;
  Bell bell_;
};

}  // namespace weir::jobs
