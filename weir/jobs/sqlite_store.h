#pragma once

// The store in a file: for one machine, and any number of processes on it.

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/jobs/queue.h"
#include "weir/jobs/store_rules.h"
#include "weir/store/sqlite.h"

namespace weir::jobs {

// Three connections, each behind a mutex of its own: what changes something, what only looks, and
// what waits for work do not stop each other.
//
// Leases are counted by a clock of the machine that nobody sets; it begins anew with each boot, so
// another boot ends them all. Schedules, and when a job was submitted and ended, are wall time.
class SqliteStore final : public JobStore {
 public:
  static Result<std::unique_ptr<JobStore>> Open(const std::string& path,
                                                const StoreOptions& options);
  static Result<int> Version(const std::string& path);

  std::string Where() const override;
  Result<std::string> Id() override;
  Result<QueueId> Declare(const QueueSpec& spec) override;
  Result<std::vector<QueueInfo>> Queues() override;
  Result<bool> Remove(QueueId queue) override;
  Result<Submitted> Submit(QueueId queue, std::span<const NewJob> jobs) override;
  Result<WorkerId> Enlist(const WorkerSpec& spec) override;
  Result<Beat> Renew(WorkerId worker, const WorkerState& state) override;
  Result<void> Retire(WorkerId worker) override;
  Result<std::vector<WorkerInfo>> Workers() override;
  Result<Reaped> Reap() override;
  Result<Claims> Claim(WorkerId worker, std::span<const ClaimFrom> from) override;
  Result<std::vector<JobId>> Complete(WorkerId worker, std::span<const Ended> ended) override;
  Result<void> CountRepeated(QueueId queue, std::int64_t calls) override;
  Result<void> WaitForWork(Duration most) override;
  void Wake() override;
  Result<std::vector<JobInfo>> List(const Selection& selection, JobId after, int most) override;
  Result<std::optional<JobInfo>> Find(JobId id) override;
  Result<std::int64_t> Retry(const Selection& selection) override;
  Result<std::int64_t> Cancel(const Selection& selection) override;
  Result<std::int64_t> Purge(const Selection& selection) override;
  Result<void> SetVariant(const Variant& variant) override;
  Result<std::optional<Variant>> ActiveVariant(std::string_view agent) override;
  Result<std::vector<Variant>> Variants() override;

 private:
  SqliteStore(std::string path, const StoreOptions& options, store::Sqlite db, store::Sqlite reader,
              store::Sqlite waiter);

  std::int64_t LeaseMillis() const;
  std::int64_t WallTime() const;

  // These want `mutex_` held, and, but for the first, a transaction.
  Result<bool> MayClaim(std::span<const ClaimFrom> from);
  Result<bool> KnowsWorker(WorkerId worker);
  Result<void> EndOtherBoots();
  Result<Allowance> Allowed(QueueId queue, int most);
  Result<void> TakeFrom(WorkerId worker, const ClaimFrom& from, std::vector<Claimed>& into);
  Result<bool> CompleteOne(WorkerId worker, const Ended& ended);
  Result<bool> WasCompleted(WorkerId worker, const Ended& ended);
  // Puts back what the workers, a JSON array of their ids, hold.
  Result<Reaped> TakeBack(const std::string& workers, bool crashed);
  // Runs `change`, SQL that ends in a WHERE and takes the time as ?1, over what is selected.
  Result<std::int64_t> Change(const std::string& change, const Selection& selection,
                              std::span<const JobState> allowed);

  Result<bool> HasNews();  // with `wait_mutex_` held
  Result<void> LookAhead();

  const std::string path_;
  const std::function<std::int64_t()> now_ms_;
  const SystemClock clock_;

  std::mutex mutex_;
  store::Sqlite db_;
  std::mutex reader_mutex_;
  store::Sqlite reader_;

  std::mutex wait_mutex_;
  std::condition_variable wait_;
  store::Sqlite waiter_;
  std::uint64_t wakes_ = 0;
  std::uint64_t wakes_seen_ = 0;
  // What the last claim may not have seen is news.
  std::optional<std::int64_t> seen_version_;
  std::int64_t claimed_at_ = 0;
  bool looked_ahead_ = false;                // next_due_ is right
  std::optional<std::int64_t> next_due_;     // of the waiting jobs, wall time
  std::optional<std::int64_t> next_tokens_;  // of the queues that were held up, as leases count
};

}  // namespace weir::jobs
