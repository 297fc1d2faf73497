// What people do with the jobs of a store in a file.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/jobs/sqlite_store.h"

namespace weir::jobs {
namespace {

using store::SqliteQuery;
using store::SqliteSync;
using store::SqliteTransaction;

constexpr char kJobColumns[] =
    "SELECT j.id, j.queue, j.state, j.key, j.row_id, w.row, j.priority, j.attempts, j.crashes, "
    "r.result, r.metadata, j.error, j.message FROM weir_jobs j CROSS JOIN weir_rows w "
    "ON w.job = j.id LEFT JOIN weir_results r ON r.job = j.id WHERE ";

JobInfo JobOf(const SqliteQuery& query) {
  JobInfo job;
  job.id = query.Int(0);
  job.queue = query.Int(1);
  job.state = static_cast<JobState>(query.Int(2));
  job.key = query.Text(3);
  job.row_id = query.Text(4);
  job.row = query.Text(5);
  job.priority = static_cast<int>(query.Int(6));
  job.attempts = static_cast<int>(query.Int(7));
  job.crashes = static_cast<int>(query.Int(8));
  job.result = query.Text(9);
  job.metadata = query.Text(10);
  job.error = query.Text(11);
  job.message = query.Text(12);
  return job;
}

// The condition behind a WHERE, with ?1: now, ?2: behind this id, ?3: the queue, ?4: the error,
// ?5: the age, ?6: the ids as a JSON array. Jobs are read in the order of their ids, so that a page
// costs its length; the + keeps the planner from an index by which it would have to sort them all.
// The dead have an index of their own, and are few.
std::string Condition(const Selection& selection, const std::vector<JobState>& states) {
  const bool dead =
      !states.empty() && std::all_of(states.begin(), states.end(),
                                     [](JobState state) { return state >= JobState::kFailed; });
  std::string sql = "id > ?2";
  if (selection.queue != 0) sql += dead ? " AND queue = ?3" : " AND +queue = ?3";
  if (!selection.error.empty()) sql += " AND error = ?4";
  if (selection.older_than) sql += " AND ended_at <= ?1 - ?5";
  if (!selection.ids.empty()) sql += " AND id IN (SELECT value FROM json_each(?6))";
  sql += StatesSql(states);
  if (dead) sql += " AND state >= 4";
  return sql;
}

std::string Ids(const Selection& selection) {
  std::string ids = "[";
  for (const JobId id : selection.ids) StrAppend(ids, ids.size() == 1 ? "" : ",", id);
  return ids + "]";
}

}  // namespace

Result<std::vector<JobInfo>> SqliteStore::List(const Selection& selection, JobId after, int most) {
  WEIR_CHECK(CheckSelection(selection));
  std::scoped_lock lock(reader_mutex_);
  std::vector<JobInfo> jobs;
  const std::string ids = Ids(selection);
  auto query = reader_.Query(
      StrCat(kJobColumns, "j.id IN (SELECT id FROM weir_jobs WHERE ",
             Condition(selection, selection.states), " ORDER BY id LIMIT ?7) ORDER BY j.id"),
      {WallTime(), after, selection.queue, selection.error, selection.older_than, ids,
       std::max(0, most)});
  for (;;) {
    WEIR_TRY(const bool row, query.Next());
    if (!row) return jobs;
    jobs.push_back(JobOf(query));
  }
}

Result<std::optional<JobInfo>> SqliteStore::Find(JobId id) {
  std::scoped_lock lock(reader_mutex_);
  std::optional<JobInfo> job;
  {
    auto query = reader_.Query(StrCat(kJobColumns, "j.id = ?1"), {id});
    WEIR_TRY(const bool row, query.Next());
    if (!row) return job;
    job = JobOf(query);
  }
  std::vector<std::string> arrays;
  auto tries = reader_.Query("SELECT attempts FROM weir_tries WHERE job = ?1 ORDER BY fence", {id});
  for (;;) {
    WEIR_TRY(const bool row, tries.Next());
    if (!row) break;
    arrays.emplace_back(tries.Text(0));
  }
  job->tries = JoinArrays(arrays);
  return job;
}

Result<std::vector<WorkerInfo>> SqliteStore::Workers() {
  std::scoped_lock lock(reader_mutex_);
  const std::int64_t now = LeaseMillis();
  std::vector<WorkerInfo> workers;
  auto query = reader_.Query(
      "SELECT w.id, w.name, w.since, w.lease_until - w.lease_ms, (SELECT count(*) FROM weir_jobs j "
      "WHERE j.state = 2 AND j.worker = w.id), w.paused, w.resting, w.next_try, w.lease_ms FROM "
      "weir_workers w "
      "ORDER BY w.id");
  for (;;) {
    WEIR_TRY(const bool row, query.Next());
    if (!row) return workers;
    WorkerInfo& worker = workers.emplace_back();
    worker.id = query.Int(0);
    worker.name = query.Text(1);
    worker.since_ms = std::max<std::int64_t>(0, now - query.Int(2));
    worker.seen_ms = std::max<std::int64_t>(0, now - query.Int(3));
    worker.running = static_cast<int>(query.Int(4));
    worker.paused = query.Text(5);
    worker.resting = static_cast<int>(query.Int(6));
    worker.lease_ms = query.Int(8);
    if (query.IsNull(7)) continue;
    worker.next_try_ms = std::max<std::int64_t>(0, query.Int(7) - WallTime());
  }
}

Result<std::int64_t> SqliteStore::Change(const std::string& change, const Selection& selection,
                                         std::span<const JobState> allowed) {
  WEIR_CHECK(CheckSelection(selection));
  const std::vector<JobState> states = Among(selection, allowed);
  if (states.empty()) return 0;
  const std::string ids = Ids(selection);
  // Who is asked to give up a job is asked once.
  const std::string sql =
      StrCat(change, " WHERE id IN (SELECT id FROM weir_jobs WHERE ", Condition(selection, states),
             " AND NOT (state = 2 AND cancel_asked = 1) ORDER BY id LIMIT ?7) RETURNING id");
  JobId after = 0;
  for (std::int64_t total = 0;;) {
    std::int64_t changed = 0;
    std::scoped_lock lock(mutex_);
    WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kFull));
    {
      auto query = db_.Query(sql, {WallTime(), after, selection.queue, selection.error,
                                   selection.older_than, ids, kJobsAtOnce});
      for (;;) {
        WEIR_TRY(const bool row, query.Next());
        if (!row) break;
        ++changed;
        after = std::max(after, query.Int(0));
      }
    }
    WEIR_CHECK(transaction.Commit());
    total += changed;
    if (changed < kJobsAtOnce) return total;
  }
}

Result<std::int64_t> SqliteStore::Retry(const Selection& selection) {
  constexpr JobState kStates[] = {JobState::kFailed, JobState::kCancelled};
  return Change(
      "UPDATE weir_jobs SET state = 1, attempts = 0, crashes = 0, cancel_asked = 0, "
      "not_before = NULL, submitted_at = ?1, ended_at = NULL, error = '', message = ''",
      selection, kStates);
}

Result<std::int64_t> SqliteStore::Cancel(const Selection& selection) {
  constexpr JobState kStates[] = {JobState::kWaiting, JobState::kQueued, JobState::kRunning};
  return Change(
      "UPDATE weir_jobs SET cancel_asked = state = 2, state = CASE state WHEN 2 THEN 2 ELSE 5 END, "
      "ended_at = CASE state WHEN 2 THEN NULL ELSE ?1 END",
      selection, kStates);
}

Result<std::int64_t> SqliteStore::Purge(const Selection& selection) {
  constexpr JobState kStates[] = {JobState::kDone, JobState::kFailed, JobState::kCancelled};
  return Change("DELETE FROM weir_jobs", selection, kStates);
}

}  // namespace weir::jobs
