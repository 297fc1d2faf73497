// What workers do with a store in a file.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/jobs/sqlite_store.h"

namespace weir::jobs {
namespace {

using store::SqliteSync;
using store::SqliteTransaction;
using namespace std::chrono_literals;

constexpr Duration kFirstLook = 20ms;
constexpr Duration kLastLook = 250ms;

}  // namespace

Result<WorkerId> SqliteStore::Enlist(const WorkerSpec& spec) {
  WEIR_CHECK(CheckWorker(spec));
  std::scoped_lock lock(mutex_);
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kNormal));
  const std::int64_t now = LeaseMillis();
  const std::int64_t lease = CeilMillis(spec.lease);
  WorkerId id = 0;
  {
    auto query = db_.Query(
        "INSERT INTO weir_workers (name, since, lease_ms, lease_until) VALUES (?1, ?2, ?3, ?4) "
        "RETURNING id",
        {spec.name, now, lease, now + lease});
    WEIR_TRY(const bool row, query.Next());
    if (row) id = query.Int(0);
  }
  WEIR_CHECK(transaction.Commit());
  return id;
}

Result<Beat> SqliteStore::Renew(WorkerId worker, const WorkerState& state) {
  std::optional<std::int64_t> next_try;
  if (state.next_try) next_try = WallTime() + CeilMillis(*state.next_try);
  std::scoped_lock lock(mutex_);
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kNormal));
  WEIR_CHECK(
      db_.Run("UPDATE weir_workers SET lease_until = ?2 + lease_ms, paused = ?3, resting = ?4, "
              "next_try = ?5 WHERE id = ?1",
              {worker, LeaseMillis(), state.paused, state.resting, next_try}));
  Beat beat;
  beat.alive = db_.changes() != 0;
  {
    auto query = db_.Query(
        "SELECT id FROM weir_jobs WHERE worker = ?1 AND state = 2 AND cancel_asked = 1 ORDER BY id",
        {worker});
    for (;;) {
      WEIR_TRY(const bool row, query.Next());
      if (!row) break;
      beat.cancelled.push_back(query.Int(0));
    }
  }
  WEIR_CHECK(transaction.Commit());
  return beat;
}

Result<Reaped> SqliteStore::TakeBack(const std::string& workers, bool crashed) {
  const std::int64_t now = WallTime();
  Reaped reaped;
  if (crashed) {
    WEIR_CHECK(db_.Run(
        "UPDATE weir_queues SET crashes = crashes + lost.jobs FROM (SELECT queue, count(*) AS jobs "
        "FROM weir_jobs WHERE state = 2 AND worker IN (SELECT value FROM json_each(?1)) "
        "GROUP BY queue) AS lost WHERE lost.queue = weir_queues.id",
        {workers}));
    WEIR_CHECK(
        db_.Run("UPDATE weir_jobs SET crashes = crashes + 1 WHERE state = 2 AND "
                "worker IN (SELECT value FROM json_each(?1))",
                {workers}));
    WEIR_CHECK(
        db_.Run("UPDATE weir_jobs SET state = 4, worker = NULL, ended_at = ?2, error = ?3, "
                "message = ?4 || weir_jobs.crashes || ?5 FROM weir_queues q WHERE q.id = "
                "weir_jobs.queue AND "
                "weir_jobs.crashes >= q.max_crashes AND state = 2 AND cancel_asked = 0 AND "
                "worker IN (SELECT value FROM json_each(?1))",
                {workers, now, kQuarantined, kQuarantineBefore, kQuarantineAfter}));
    reaped.quarantined = static_cast<int>(db_.changes());
  }
  WEIR_CHECK(
      db_.Run("UPDATE weir_jobs SET state = 5, worker = NULL, ended_at = ?2 WHERE state = 2 AND "
              "cancel_asked = 1 AND worker IN (SELECT value FROM json_each(?1))",
              {workers, now}));
  WEIR_CHECK(
      db_.Run("UPDATE weir_jobs SET state = 1, worker = NULL WHERE state = 2 AND "
              "worker IN (SELECT value FROM json_each(?1))",
              {workers}));
  reaped.requeued = static_cast<int>(db_.changes());
  return reaped;
}

Result<void> SqliteStore::Retire(WorkerId worker) {
  std::scoped_lock lock(mutex_);
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kNormal));
  WEIR_CHECK(TakeBack(StrCat("[", worker, "]"), false));
  WEIR_CHECK(db_.Run("DELETE FROM weir_workers WHERE id = ?1", {worker}));
  return transaction.Commit();
}

Result<Reaped> SqliteStore::Reap() {
  std::scoped_lock lock(mutex_);
  const auto lost = [this]() -> Result<std::pair<int, std::string>> {
    auto query =
        db_.Query("SELECT count(*), json_group_array(id) FROM weir_workers WHERE lease_until < ?1",
                  {LeaseMillis()});
    WEIR_TRY(const bool row, query.Next());
    if (!row) return std::pair(0, std::string());
    return std::pair(static_cast<int>(query.Int(0)), std::string(query.Text(1)));
  };
  WEIR_TRY(const auto first, lost());
  if (first.first == 0) return Reaped();

  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kNormal));
  WEIR_TRY(const auto found, lost());
  WEIR_TRY(Reaped reaped, TakeBack(found.second, true));
  WEIR_CHECK(db_.Run("DELETE FROM weir_workers WHERE id IN (SELECT value FROM json_each(?1))",
                     {found.second}));
  WEIR_CHECK(transaction.Commit());
  reaped.workers = found.first;
  return reaped;
}

Result<bool> SqliteStore::MayClaim(std::span<const ClaimFrom> from) {
  for (const ClaimFrom& one : from) {
    auto query = db_.Query(
        "SELECT EXISTS (SELECT 1 FROM weir_jobs WHERE queue = ?1 AND state = 1) OR "
        "EXISTS (SELECT 1 FROM weir_jobs WHERE queue = ?1 AND state = 0 AND not_before <= ?2)",
        {one.queue, WallTime()});
    WEIR_TRY(const bool row, query.Next());
    if (row && query.Int(0) != 0) return true;
  }
  return false;
}

Result<bool> SqliteStore::KnowsWorker(WorkerId worker) {
  auto query = db_.Query("SELECT 1 FROM weir_workers WHERE id = ?1", {worker});
  return query.Next();
}

Result<Allowance> SqliteStore::Allowed(QueueId queue, int most) {
  auto query = db_.Query(
      "SELECT q.concurrency, q.rate, q.tokens, q.tokens_at, c.jobs FROM weir_queues q "
      "JOIN weir_counts c ON c.queue = q.id AND c.state = 2 WHERE q.id = ?1",
      {queue});
  WEIR_TRY(const bool there, query.Next());
  if (!there) return Allowance();
  QueueLimits limits;
  if (!query.IsNull(0)) limits.concurrency = static_cast<int>(query.Int(0));
  if (!query.IsNull(1)) limits.rate = query.Real(1);
  limits.tokens = {query.Real(2), query.Int(3)};
  return MostNow(limits, most, query.Int(4), LeaseMillis());
}

Result<void> SqliteStore::TakeFrom(WorkerId worker, const ClaimFrom& from,
                                   std::vector<Claimed>& into) {
  WEIR_CHECK(db_.Run(
      "UPDATE weir_jobs SET state = 1 WHERE id IN (SELECT id FROM weir_jobs WHERE queue = ?1 AND "
      "state = 0 AND not_before <= ?2 ORDER BY not_before LIMIT ?3)",
      {from.queue, WallTime(), kDueAtOnce}));
  WEIR_TRY(const Allowance allowed, Allowed(from.queue, from.most));
  if (allowed.next_at) {
    std::scoped_lock lock(wait_mutex_);
    next_tokens_ = std::min(*allowed.next_at, next_tokens_.value_or(*allowed.next_at));
  }
  const std::size_t before = into.size();
  {
    // Row by row in this order, whatever the planner thinks.
    auto query = db_.Query(
        "SELECT j.id, j.fence, j.key, j.row_id, r.row, j.attempts, j.crashes, j.submitted_at "
        "FROM weir_jobs j CROSS JOIN weir_rows r ON r.job = j.id WHERE j.queue = ?1 AND "
        "j.state = 1 ORDER BY j.priority DESC, j.id LIMIT ?2",
        {from.queue, allowed.most});
    for (;;) {
      WEIR_TRY(const bool row, query.Next());
      if (!row) break;
      Claimed& job = into.emplace_back();
      job.id = query.Int(0);
      job.fence = query.Int(1) + 1;
      job.queue = from.queue;
      job.key = query.Text(2);
      job.row_id = query.Text(3);
      job.row = query.Text(4);
      job.attempts = static_cast<int>(query.Int(5));
      job.crashes = static_cast<int>(query.Int(6));
      job.submitted_at = query.Int(7);
    }
  }
  {
    auto take = db_.Query("UPDATE weir_jobs SET state = 2, worker = ?2, fence = ?3 WHERE id = ?1");
    for (std::size_t i = before; i < into.size(); ++i) {
      WEIR_CHECK(take.Run({into[i].id, worker, into[i].fence}));
    }
  }
  const auto taken = static_cast<double>(into.size() - before);
  if (!allowed.tokens || taken == 0) return {};
  return db_.Run("UPDATE weir_queues SET tokens = ?2, tokens_at = ?3 WHERE id = ?1",
                 {from.queue, allowed.tokens->left - taken, allowed.tokens->at_ms});
}

Result<Claims> SqliteStore::Claim(WorkerId worker, std::span<const ClaimFrom> from) {
  {
    std::scoped_lock lock(wait_mutex_);
    WEIR_TRY(seen_version_, waiter_.DataVersion());
    claimed_at_ = WallTime();
    next_tokens_.reset();
    looked_ahead_ = false;
  }
  std::scoped_lock lock(mutex_);
  Claims claims;
  WEIR_TRY(const bool any, MayClaim(from));
  if (!any) {
    WEIR_TRY(claims.alive, KnowsWorker(worker));
    return claims;
  }
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kNormal));
  WEIR_TRY(claims.alive, KnowsWorker(worker));
  if (!claims.alive) return claims;
  for (const ClaimFrom& one : from) {
    if (one.most <= 0) continue;
    WEIR_CHECK(TakeFrom(worker, one, claims.jobs));
  }
  if (!claims.jobs.empty()) {
    // A sign of life too: jobs of a lease that has run out would be lost at once.
    WEIR_CHECK(
        db_.Run("UPDATE weir_workers SET lease_until = ?2 + lease_ms WHERE id = ?1 AND "
                "lease_until < ?2",
                {worker, LeaseMillis()}));
  }
  WEIR_CHECK(transaction.Commit());
  return claims;
}

Result<bool> SqliteStore::WasCompleted(WorkerId worker, const Ended& ended) {
  auto query = db_.Query(
      "SELECT 1 FROM weir_tries WHERE job = ?1 AND fence = ?2 AND worker = ?3 AND how = ?4",
      {ended.id, ended.fence, worker, static_cast<int>(ended.how)});
  return query.Next();
}

Result<bool> SqliteStore::CompleteOne(WorkerId worker, const Ended& ended) {
  int attempts = 0;
  JobState state = JobState::kDone;
  {
    auto query = db_.Query(
        "SELECT j.attempts, j.cancel_asked, q.max_attempts FROM weir_jobs j "
        "JOIN weir_queues q ON q.id = j.queue "
        "WHERE j.id = ?1 AND j.worker = ?2 AND j.fence = ?3 AND j.state = 2",
        {ended.id, worker, ended.fence});
    WEIR_TRY(const bool held, query.Next());
    if (!held) return WasCompleted(worker, ended);
    attempts = static_cast<int>(query.Int(0)) + TriesOf(ended);
    state = StateAfter(ended, query.Int(1) != 0, attempts >= query.Int(2));
  }
  const std::int64_t now = WallTime();
  const bool over = state >= JobState::kDone;
  const bool failure = ended.how == Ended::How::kFailed || ended.how == Ended::How::kAgain;
  const bool clear = state == JobState::kDone || state == JobState::kCancelled;
  std::optional<std::int64_t> not_before;
  if (state == JobState::kWaiting) not_before = now + CeilMillis(ended.delay);
  std::optional<std::int64_t> ended_at;
  if (over) ended_at = now;
  WEIR_CHECK(
      db_.Run("UPDATE weir_jobs SET state = ?2, worker = NULL, attempts = ?3, ended_at = ?4, "
              "not_before = ?5, error = CASE ?6 WHEN 2 THEN '' WHEN 1 THEN ?7 ELSE error END, "
              "message = CASE ?6 WHEN 2 THEN '' WHEN 1 THEN ?8 ELSE message END WHERE id = ?1",
              {ended.id, static_cast<int>(state), attempts, ended_at, not_before,
               clear ? 2 : (failure ? 1 : 0), ended.error, ended.message}));
  WEIR_CHECK(db_.Run("INSERT INTO weir_tries VALUES (?1, ?2, ?3, ?4, ?5)",
                     {ended.id, ended.fence, worker, static_cast<int>(ended.how), ended.attempts}));
  const bool told = state == JobState::kFailed && !ended.metadata.empty();
  if (state == JobState::kDone || told) {
    WEIR_CHECK(db_.Run("INSERT OR REPLACE INTO weir_results VALUES (?1, ?2, ?3)",
                       {ended.id, ended.result, ended.metadata}));
  }
  return true;
}

Result<std::vector<JobId>> SqliteStore::Complete(WorkerId worker, std::span<const Ended> ended) {
  WEIR_CHECK(CheckEnded(ended));
  std::scoped_lock lock(mutex_);
  std::vector<JobId> counted;
  if (ended.empty()) return counted;
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kFull));
  for (const Ended& one : ended) {
    WEIR_TRY(const bool counts, CompleteOne(worker, one));
    if (counts) counted.push_back(one.id);
  }
  WEIR_CHECK(transaction.Commit());
  return counted;
}

Result<void> SqliteStore::CountRepeated(QueueId queue, std::int64_t calls) {
  std::scoped_lock lock(mutex_);
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kNormal));
  WEIR_CHECK(db_.Run("UPDATE weir_queues SET repeated_calls = repeated_calls + ?2 WHERE id = ?1",
                     {queue, calls}));
  return transaction.Commit();
}

// When the first of the jobs that the last claim found waiting comes due.
Result<void> SqliteStore::LookAhead() {
  auto query = waiter_.Query(
      "SELECT min((SELECT min(not_before) FROM weir_jobs j WHERE j.queue = q.id AND j.state = 0 "
      "AND j.not_before > ?1)) FROM weir_queues q",
      {claimed_at_});
  WEIR_TRY(const bool row, query.Next());
  next_due_.reset();
  if (row && !query.IsNull(0)) next_due_ = query.Int(0);
  looked_ahead_ = true;
  return {};
}

Result<bool> SqliteStore::HasNews() {
  WEIR_TRY(const std::int64_t version, waiter_.DataVersion());
  if (seen_version_ != version) {
    seen_version_ = version;
    looked_ahead_ = false;
    auto query = waiter_.Query("SELECT 1 FROM weir_jobs WHERE state = 1 LIMIT 1");
    WEIR_TRY(const bool queued, query.Next());
    if (queued) return true;
  }
  if (!looked_ahead_) {
    WEIR_CHECK(LookAhead());
  }
  return (next_due_ && *next_due_ <= WallTime()) ||
         (next_tokens_ && *next_tokens_ <= LeaseMillis());
}

Result<void> SqliteStore::WaitForWork(Duration most) {
  const TimePoint end = After(clock_.Now(), most);
  std::unique_lock lock(wait_mutex_);
  const std::uint64_t before = wakes_;
  Duration pause = kFirstLook;
  while (wakes_ == before && wakes_ == wakes_seen_) {
    WEIR_TRY(const bool news, HasNews());
    if (news) return {};
    const TimePoint now = clock_.Now();
    if (now >= end) return {};
    wait_.wait_for(lock, std::min<Duration>(pause, end - now));
    pause = std::min(kLastLook, pause * 5 / 4);
  }
  wakes_seen_ = wakes_;
  return {};
}

void SqliteStore::Wake() {
  {
    std::scoped_lock lock(wait_mutex_);
    ++wakes_;
  }
  wait_.notify_all();
}

}  // namespace weir::jobs
