#pragma once

// The store in PostgreSQL: for any number of machines.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/jobs/queue.h"
#include "weir/jobs/store_rules.h"
#include "weir/store/postgres_pool.h"

namespace weir::jobs {

// Every time is one of the server's clock. Rows are locked in the order of their ids, and the
// queues' locks in that of theirs; the conflicts that are left over are tried again by the pool.
class PostgresStore final : public JobStore {
 public:
  static Result<std::unique_ptr<JobStore>> Open(const std::string& url,
                                                const StoreOptions& options);
  static Result<int> Version(const std::string& url);
  ~PostgresStore() override;

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
  PostgresStore(std::unique_ptr<store::PostgresPool> pool, const StoreOptions& options, int wake);

  // The tests' clock, or nothing: the server's.
  std::optional<std::int64_t> Now() const;

  struct QueueState {
    QueueId id = 0;
    bool limited = false;
    bool due = false;  // waiting jobs are
  };
  struct Standing {
    bool alive = false;
    bool lease_over = false;
    std::int64_t now = 0;
    std::vector<QueueState> queues;
  };
  Result<Standing> LookAt(store::Postgres& db, WorkerId worker, std::span<const ClaimFrom> from);
  Result<Allowance> Allowed(store::Postgres& db, QueueId queue, int most);
  Result<void> TakeFrom(store::Postgres& db, WorkerId worker, const QueueState& queue, int most,
                        std::int64_t now, std::vector<Claimed>& into);
  // Those of `claims`, which an attempt before made, that are the worker's.
  Result<std::vector<Claimed>> StillHeld(store::Postgres& db, WorkerId worker,
                                         std::vector<Claimed> claims);
  Result<Reaped> TakeBack(store::Postgres& db, std::span<const WorkerId> workers, bool crashed);
  Result<std::int64_t> Change(const std::string& change, const std::string& then,
                              const Selection& selection, std::span<const JobState> allowed);

  // With `wait_mutex_` held.
  Result<bool> LookAhead(TimePoint& until);
  void Listen(TimePoint until, std::uint64_t wakes_before);
  Result<std::optional<Duration>> UntilDue();

  const std::unique_ptr<store::PostgresPool> pool_;
  const std::function<std::int64_t()> now_ms_;
  const SystemClock clock_;

  const int wake_fd_;  // readable after Wake()
  std::atomic<std::uint64_t> wakes_ = 0;
  std::timed_mutex wait_mutex_;  // one waits on the connection, others for their turn
  std::unique_ptr<store::Postgres> listener_;
  std::uint64_t wakes_seen_ = 0;

  std::mutex claim_mutex_;
  std::int64_t claimed_at_ = 0;              // when the last claim looked
  std::optional<std::int64_t> next_tokens_;  // of the queues that were held up then
};

}  // namespace weir::jobs
