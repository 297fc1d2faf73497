// What people do with the jobs of a store in PostgreSQL, and how it is waited for work there.

#include <algorithm>
#include <utility>

#include <poll.h>
#include <sys/eventfd.h>

#include "weir/base/text.h"
#include "weir/jobs/postgres_store.h"

namespace weir::jobs {
namespace {

using store::Postgres;
using store::PostgresArgs;
using store::PostgresRows;
using namespace std::chrono_literals;

constexpr Duration kWithoutListening = 1s;  // between claims, when the server cannot be reached

constexpr char kJobColumns[] =
    "SELECT j.id, j.queue, j.state::bigint, j.key, j.row_id, j.row, j.priority::bigint, "
    "j.attempts::bigint, j.crashes::bigint, r.result, r.metadata, j.error, j.message "
    "FROM weir_jobs j LEFT JOIN weir_results r ON r.job = j.id WHERE ";

JobInfo JobOf(const PostgresRows& rows, int row) {
  JobInfo job;
  job.id = rows.Int(row, 0);
  job.queue = rows.Int(row, 1);
  job.state = static_cast<JobState>(rows.Int(row, 2));
  job.key = rows.Text(row, 3);
  job.row_id = rows.Text(row, 4);
  job.row = rows.Text(row, 5);
  job.priority = static_cast<int>(rows.Int(row, 6));
  job.attempts = static_cast<int>(rows.Int(row, 7));
  job.crashes = static_cast<int>(rows.Int(row, 8));
  job.result = rows.Text(row, 9);
  job.metadata = rows.Text(row, 10);
  job.error = rows.Text(row, 11);
  job.message = rows.Text(row, 12);
  return job;
}

// The condition behind a WHERE on the table j, and its arguments behind those that are there.
std::string Condition(const Selection& selection, const std::vector<JobState>& states, JobId after,
                      std::optional<std::int64_t> now, int& last, PostgresArgs& args) {
  std::string sql = StrCat("j.id > $", ++last);
  args.Int(after);
  if (selection.queue != 0) {
    StrAppend(sql, " AND j.queue = $", ++last);
    args.Int(selection.queue);
  }
  if (!selection.error.empty()) {
    StrAppend(sql, " AND j.error = $", ++last);
    args.Text(selection.error);
  }
  if (selection.older_than) {
    const int at = ++last;
    const int age = ++last;
    StrAppend(sql, " AND j.ended_at <= (SELECT coalesce($", at,
              ", (extract(epoch FROM clock_timestamp()) * 1000)::bigint)) - $", age);
    args.Int(now).Int(selection.older_than);
  }
  if (!selection.ids.empty()) {
    StrAppend(sql, " AND j.id = ANY ($", ++last, ")");
    args.Ints(selection.ids);
  }
  return sql + StatesSql(states);
}

}  // namespace

Result<std::vector<JobInfo>> PostgresStore::List(const Selection& selection, JobId after,
                                                 int most) {
  WEIR_CHECK(CheckSelection(selection));
  return pool_->Transact<std::vector<JobInfo>>([&](Postgres& db) -> Result<std::vector<JobInfo>> {
    PostgresArgs args;
    int last = 0;
    const std::string condition = Condition(selection, selection.states, after, Now(), last, args);
    args.Int(std::max(0, most));
    WEIR_TRY(const PostgresRows rows,
             db.Run(StrCat(kJobColumns, condition, " ORDER BY j.id LIMIT $", ++last), args));
    std::vector<JobInfo> jobs;
    jobs.reserve(static_cast<std::size_t>(rows.size()));
    for (int row = 0; row < rows.size(); ++row) jobs.push_back(JobOf(rows, row));
    return jobs;
  });
}

Result<std::optional<JobInfo>> PostgresStore::Find(JobId id) {
  return pool_->Transact<std::optional<JobInfo>>(
      [&](Postgres& db) -> Result<std::optional<JobInfo>> {
        PostgresArgs args;
        args.Int(id);
        WEIR_TRY(const PostgresRows rows, db.Run(StrCat(kJobColumns, "j.id = $1"), args));
        if (rows.size() == 0) return std::nullopt;
        JobInfo job = JobOf(rows, 0);
        WEIR_TRY(const PostgresRows tries,
                 db.Run("SELECT attempts FROM weir_tries WHERE job = $1 ORDER BY fence", args));
        std::vector<std::string> arrays;
        arrays.reserve(static_cast<std::size_t>(tries.size()));
        for (int row = 0; row < tries.size(); ++row) arrays.emplace_back(tries.Text(row, 0));
        job.tries = JoinArrays(arrays);
        return job;
      });
}

Result<std::vector<WorkerInfo>> PostgresStore::Workers() {
  return pool_->Transact<std::vector<WorkerInfo>>(
      [&](Postgres& db) -> Result<std::vector<WorkerInfo>> {
        PostgresArgs args;
        WEIR_TRY(const PostgresRows rows,
                 db.Run("WITH t AS MATERIALIZED (SELECT coalesce($1, "
                        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) "
                        "SELECT w.id, w.name, t.now - w.since, "
                        "t.now - (w.lease_until - w.lease_ms), (SELECT count(*) FROM weir_jobs j "
                        "WHERE j.state = 2 AND j.worker = w.id), w.paused, w.resting::bigint, "
                        "w.next_try - t.now, w.lease_ms FROM weir_workers w, t ORDER BY w.id",
                        args.Int(Now())));
        std::vector<WorkerInfo> workers;
        for (int row = 0; row < rows.size(); ++row) {
          WorkerInfo& worker = workers.emplace_back();
          worker.id = rows.Int(row, 0);
          worker.name = rows.Text(row, 1);
          worker.since_ms = std::max<std::int64_t>(0, rows.Int(row, 2));
          worker.seen_ms = std::max<std::int64_t>(0, rows.Int(row, 3));
          worker.running = static_cast<int>(rows.Int(row, 4));
          worker.paused = rows.Text(row, 5);
          worker.resting = static_cast<int>(rows.Int(row, 6));
          worker.lease_ms = rows.Int(row, 8);
          if (rows.IsNull(row, 7)) continue;
          worker.next_try_ms = std::max<std::int64_t>(0, rows.Int(row, 7));
        }
        return workers;
      });
}

// `change` has the ids in `picked`, and the time as (SELECT now FROM t).
Result<std::int64_t> PostgresStore::Change(const std::string& change, const std::string& then,
                                           const Selection& selection,
                                           std::span<const JobState> allowed) {
  WEIR_CHECK(CheckSelection(selection));
  const std::vector<JobState> states = Among(selection, allowed);
  if (states.empty()) return 0;
  struct Step {
    std::int64_t jobs = 0;
    JobId last = 0;
  };
  JobId after = 0;
  for (std::int64_t total = 0;;) {
    std::optional<Step> lost;  // what an attempt did whose answer was lost
    WEIR_TRY(const Step step, pool_->Transact<Step>([&](Postgres& db) -> Result<Step> {
      PostgresArgs args;
      int last = 1;
      args.Int(Now());
      const std::string condition = Condition(selection, states, after, Now(), last, args);
      args.Int(kJobsAtOnce);
      WEIR_TRY(
          const PostgresRows rows,
          db.Run(StrCat("WITH t AS MATERIALIZED (SELECT coalesce($1, (extract(epoch FROM "
                        "clock_timestamp()) * 1000)::bigint) AS now), picked AS MATERIALIZED "
                        "(SELECT j.id FROM weir_jobs j WHERE ",
                        condition,
                        " AND NOT (j.state = 2 AND j.cancel_asked) ORDER BY j.id LIMIT $", ++last,
                        " FOR UPDATE), changed AS (", change, " RETURNING j.id, j.state)", then,
                        " SELECT count(*), max(id), count(*) FILTER (WHERE state = 1) "
                        "FROM changed"),
                 args));
      if (rows.Int(0, 2) > 0) {
        WEIR_CHECK(db.Run("SELECT pg_notify('weir_jobs', '')::text"));
      }
      const Step done{rows.Int(0, 0), rows.Int(0, 1)};
      if (done.jobs == 0 && lost) return *lost;  // it was done
      lost = done;
      return done;
    }));
    total += step.jobs;
    after = std::max(after, step.last);
    if (step.jobs < kJobsAtOnce) return total;
  }
}

Result<std::int64_t> PostgresStore::Retry(const Selection& selection) {
  constexpr JobState kStates[] = {JobState::kFailed, JobState::kCancelled};
  return Change(
      "UPDATE weir_jobs j SET state = 1, attempts = 0, crashes = 0, cancel_asked = false, "
      "not_before = NULL, submitted_at = (SELECT now FROM t), ended_at = NULL, error = '', "
      "message = '' FROM picked WHERE j.id = picked.id",
      ", results AS (DELETE FROM weir_results r USING changed WHERE r.job = changed.id)", selection,
      kStates);
}

Result<std::int64_t> PostgresStore::Cancel(const Selection& selection) {
  constexpr JobState kStates[] = {JobState::kWaiting, JobState::kQueued, JobState::kRunning};
  return Change(
      "UPDATE weir_jobs j SET cancel_asked = j.state = 2, "
      "state = CASE j.state WHEN 2 THEN 2 ELSE 5 END, "
      "ended_at = CASE j.state WHEN 2 THEN NULL ELSE (SELECT now FROM t) END "
      "FROM picked WHERE j.id = picked.id",
      "", selection, kStates);
}

Result<std::int64_t> PostgresStore::Purge(const Selection& selection) {
  constexpr JobState kStates[] = {JobState::kDone, JobState::kFailed, JobState::kCancelled};
  return Change("DELETE FROM weir_jobs j USING picked WHERE j.id = picked.id",
                ", results AS (DELETE FROM weir_results r USING changed WHERE r.job = changed.id), "
                "tries AS (DELETE FROM weir_tries r USING changed WHERE r.job = changed.id)",
                selection, kStates);
}

// How long until a waiting job comes due that the last claim did not see, or a queue's rate allows
// one more.
Result<std::optional<Duration>> PostgresStore::UntilDue() {
  std::int64_t after = 0;
  std::optional<std::int64_t> tokens;
  {
    std::scoped_lock lock(claim_mutex_);
    after = claimed_at_;
    tokens = next_tokens_;
  }
  PostgresArgs args;
  args.Int(after).Int(Now()).Int(tokens);
  WEIR_TRY(const PostgresRows rows,
           listener_->Run("SELECT least($3, min((SELECT min(j.not_before) FROM weir_jobs j "
                          "WHERE j.queue = q.id AND j.state = 0 AND j.not_before > $1))) - "
                          "coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) "
                          "FROM weir_queues q",
                          args));
  if (rows.size() == 0 || rows.IsNull(0, 0)) return std::nullopt;
  return std::chrono::milliseconds(std::clamp<std::int64_t>(rows.Int(0, 0), 0, 86'400'000));
}

// Whether something is there already; else `until` comes nearer when something will be.
Result<bool> PostgresStore::LookAhead(TimePoint& until) {
  if (listener_ == nullptr || listener_->broken()) {
    WEIR_TRY(listener_, pool_->Connect());
    WEIR_CHECK(listener_->Run("LISTEN weir_jobs"));
    return true;  // what came before is not known
  }
  WEIR_TRY(const std::optional<Duration> due, UntilDue());
  if (due) until = std::min(until, After(clock_.Now(), *due));
  return listener_->Notified();
}

// Until somebody notifies, or wakes.
void PostgresStore::Listen(TimePoint until, std::uint64_t wakes_before) {
  while (wakes_ == wakes_before) {
    const Duration left = until - clock_.Now();
    if (left <= Duration::zero()) return;
    const int socket = listener_ == nullptr ? -1 : listener_->socket();
    pollfd waiting[] = {{.fd = wake_fd_, .events = POLLIN, .revents = 0},
                        {.fd = socket, .events = POLLIN, .revents = 0}};
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int ready = ::poll(waiting, std::size(waiting),
                             static_cast<int>(std::min<std::int64_t>(millis, 60'000)));
    if (ready <= 0 || waiting[1].revents == 0) continue;
    const Result<bool> notified = listener_->Notified();
    if (!notified) listener_.reset();  // the next call makes another, and looks
    if (!notified || *notified) return;
  }
}

Result<void> PostgresStore::WaitForWork(Duration most) {
  const std::uint64_t before = wakes_;
  TimePoint until = After(clock_.Now(), most);
  std::unique_lock lock(wait_mutex_, std::defer_lock);
  if (!lock.try_lock_until(until)) return {};
  if (wakes_ == wakes_seen_ && wakes_ == before) {
    const Result<bool> there = LookAhead(until);
    if (!there) {
      listener_.reset();
      if (there.error().code != Code::kConnectionError) return Fail(there.error());
      // Whoever claims next meets the same, and says so.
      until = std::min(until, After(clock_.Now(), kWithoutListening));
    }
    if (!there || !*there) Listen(until, before);
  }
  wakes_seen_ = wakes_;
  eventfd_t drained = 0;
  (void)::eventfd_read(wake_fd_, &drained);  // nothing in it is fine
  return {};
}

void PostgresStore::Wake() {
  ++wakes_;
  (void)::eventfd_write(wake_fd_, 1);  // fails only when it is readable anyway
}

}  // namespace weir::jobs
