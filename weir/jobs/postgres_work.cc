// What workers do with a store in PostgreSQL.

#include <algorithm>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/jobs/postgres_schema.h"
#include "weir/jobs/postgres_store.h"

namespace weir::jobs {
namespace {

using store::Postgres;
using store::PostgresArgs;
using store::PostgresRows;

constexpr int kTokenDigits = 32;

Result<void> Notify(Postgres& db) {
  WEIR_CHECK(db.Run("SELECT pg_notify('weir_jobs', '')::text"));
  return {};
}

// Jobs that may be the worker's are locked for the time of the transaction, and what another one
// wants with them is waited for. Reading is by the index of the ids.
constexpr char kComplete[] = R"sql(
WITH t AS MATERIALIZED (
  SELECT coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now),
input AS MATERIALIZED (
  SELECT * FROM unnest($3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    AS i (id, fence, how, delay, tries, result, metadata, attempts, error, message)),
held AS MATERIALIZED (
  SELECT j.id, j.cancel_asked, q.max_attempts, q.concurrency IS NOT NULL AS limited,
    j.attempts + i.tries::integer AS tried
  FROM input i JOIN weir_jobs j ON j.id = i.id JOIN weir_queues q ON q.id = j.queue
  WHERE j.worker = $1 AND j.fence = i.fence AND j.state = 2 ORDER BY j.id FOR UPDATE OF j),
fate AS MATERIALIZED (
  SELECT i.*, h.limited, h.tried, CASE
      WHEN h.cancel_asked THEN 5
      WHEN i.how = 0 THEN 3
      WHEN i.how = 1 OR (i.how = 2 AND h.tried >= h.max_attempts) THEN 4
      WHEN i.delay > 0 THEN 0
      ELSE 1 END AS state
  FROM held h JOIN input i ON i.id = h.id),
ended AS (
  UPDATE weir_jobs j SET state = f.state, worker = NULL, attempts = f.tried,
    ended_at = CASE WHEN f.state >= 3 THEN t.now END,
    not_before = CASE WHEN f.state = 0 THEN t.now + f.delay END,
    error = CASE WHEN f.state IN (3, 5) THEN '' WHEN f.how IN (1, 2) THEN f.error ELSE j.error END,
    message = CASE WHEN f.state IN (3, 5) THEN '' WHEN f.how IN (1, 2) THEN f.message
                   ELSE j.message END
  FROM fate f, t WHERE j.id = f.id),
kept AS (
  INSERT INTO weir_results SELECT id, result, metadata FROM fate
  WHERE state = 3 OR (state = 4 AND metadata <> '')
  ON CONFLICT (job) DO UPDATE SET result = excluded.result, metadata = excluded.metadata),
tried AS (
  INSERT INTO weir_tries SELECT id, fence, $1, how, attempts FROM fate)
SELECT id, (state = 1 OR limited)::int::bigint FROM fate)sql";

constexpr char kTakeBack[] = R"sql(
WITH t AS MATERIALIZED (
  SELECT coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now),
held AS MATERIALIZED (
  SELECT j.id, CASE WHEN j.cancel_asked THEN 5
      WHEN $3 = 1 AND j.crashes + 1 >= q.max_crashes THEN 4 ELSE 1 END AS state
  FROM weir_jobs j JOIN weir_queues q ON q.id = j.queue
  WHERE j.worker = ANY ($1) AND j.state = 2 ORDER BY j.id FOR UPDATE OF j),
back AS (
  UPDATE weir_jobs j SET state = h.state, worker = NULL, crashes = j.crashes + $3,
    ended_at = CASE WHEN h.state <> 1 THEN t.now END,
    error = CASE WHEN h.state = 4 THEN $4 ELSE j.error END,
    message = CASE WHEN h.state = 4 THEN $5 || (j.crashes + 1) || $6 ELSE j.message END
  FROM held h, t WHERE j.id = h.id RETURNING j.queue, j.state),
blamed AS (
  UPDATE weir_queues q SET crashes = q.crashes + s.jobs
  FROM (SELECT queue, count(*) AS jobs FROM back GROUP BY queue) s
  WHERE $3 = 1 AND s.queue = q.id)
SELECT state::bigint, count(*) FROM back GROUP BY state)sql";

}  // namespace

Result<WorkerId> PostgresStore::Enlist(const WorkerSpec& spec) {
  WEIR_CHECK(CheckWorker(spec));
  Random random = Random::FromSystem();
  // Whoever asks again because an answer was lost gets the same worker.
  const std::string token = HexId(random, kTokenDigits);
  return pool_->Transact<WorkerId>([&](Postgres& db) -> Result<WorkerId> {
    PostgresArgs args;
    args.Text(token).Text(spec.name).Int(CeilMillis(spec.lease)).Int(Now());
    WEIR_TRY(const PostgresRows made,
             db.Run("WITH t AS (SELECT coalesce($4, "
                    "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) "
                    "INSERT INTO weir_workers (token, name, since, lease_ms, lease_until) "
                    "SELECT $1, $2, t.now, $3, t.now + $3 FROM t ON CONFLICT (token) "
                    "DO UPDATE SET lease_until = excluded.lease_until RETURNING id",
                    args));
    return made.Int(0, 0);
  });
}

Result<Beat> PostgresStore::Renew(WorkerId worker, const WorkerState& state) {
  std::optional<std::int64_t> next_try;
  if (state.next_try) next_try = CeilMillis(*state.next_try);
  return pool_->Transact<Beat>([&](Postgres& db) -> Result<Beat> {
    PostgresArgs args;
    WEIR_TRY(
        const PostgresRows rows,
        db.Run("WITH t AS MATERIALIZED (SELECT coalesce($2, "
               "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now), "
               "beat AS (UPDATE weir_workers w SET lease_until = w.lease_ms + t.now, "
               "paused = $3, resting = $4, next_try = t.now + $5 FROM t WHERE w.id = $1 "
               "RETURNING 0::bigint AS id) SELECT id FROM beat UNION ALL (SELECT id "
               "FROM weir_jobs WHERE worker = $1 AND state = 2 AND cancel_asked ORDER BY id)",
               args.Int(worker).Int(Now()).Text(state.paused).Int(state.resting).Int(next_try)));
    Beat beat;
    beat.alive = false;
    for (int row = 0; row < rows.size(); ++row) {
      if (rows.Int(row, 0) == 0) {
        beat.alive = true;
      } else {
        beat.cancelled.push_back(rows.Int(row, 0));
      }
    }
    return beat;
  });
}

Result<Reaped> PostgresStore::TakeBack(Postgres& db, std::span<const WorkerId> workers,
                                       bool crashed) {
  PostgresArgs args;
  args.Ints(workers).Int(Now()).Int(crashed ? 1 : 0);
  args.Text(kQuarantined).Text(kQuarantineBefore).Text(kQuarantineAfter);
  WEIR_TRY(const PostgresRows rows, db.Run(kTakeBack, args));
  Reaped reaped;
  for (int row = 0; row < rows.size(); ++row) {
    const auto state = static_cast<JobState>(rows.Int(row, 0));
    if (state == JobState::kQueued) reaped.requeued = static_cast<int>(rows.Int(row, 1));
    if (state == JobState::kFailed) reaped.quarantined = static_cast<int>(rows.Int(row, 1));
  }
  if (reaped.requeued > 0) {
    WEIR_CHECK(Notify(db));
  }
  return reaped;
}

Result<void> PostgresStore::Retire(WorkerId worker) {
  return pool_->TransactVoid([&](Postgres& db) -> Result<void> {
    // First, for a claim that is under way holds it; the next statement sees what it took.
    PostgresArgs args;
    WEIR_CHECK(db.Run("DELETE FROM weir_workers WHERE id = $1", args.Int(worker)));
    const WorkerId workers[] = {worker};
    WEIR_CHECK(TakeBack(db, workers, false));
    return {};
  });
}

Result<Reaped> PostgresStore::Reap() {
  return pool_->Transact<Reaped>([&](Postgres& db) -> Result<Reaped> {
    PostgresArgs lock;
    WEIR_TRY(const PostgresRows mine,
             db.Run("SELECT pg_try_advisory_xact_lock($1)::int::bigint", lock.Int(kReapLock)));
    if (mine.Int(0, 0) == 0) return Reaped();
    PostgresArgs args;
    WEIR_TRY(const PostgresRows gone,
             db.Run("WITH t AS MATERIALIZED (SELECT coalesce($1, "
                    "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) "
                    "DELETE FROM weir_workers w USING t WHERE w.lease_until < t.now RETURNING w.id",
                    args.Int(Now())));
    std::vector<WorkerId> workers;
    workers.reserve(static_cast<std::size_t>(gone.size()));
    for (int row = 0; row < gone.size(); ++row) workers.push_back(gone.Int(row, 0));
    if (workers.empty()) return Reaped();
    WEIR_TRY(Reaped reaped, TakeBack(db, workers, true));
    reaped.workers = static_cast<int>(workers.size());
    return reaped;
  });
}

// The worker is kept from being ended until the claim is over.
Result<PostgresStore::Standing> PostgresStore::LookAt(Postgres& db, WorkerId worker,
                                                      std::span<const ClaimFrom> from) {
  std::vector<QueueId> queues;
  for (const ClaimFrom& one : from) queues.push_back(one.queue);
  PostgresArgs args;
  args.Int(worker).Ints(queues).Int(Now());
  WEIR_TRY(const PostgresRows rows,
           db.Run("WITH t AS MATERIALIZED (SELECT coalesce($3, "
                  "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) "
                  "SELECT (SELECT now FROM t), w.lease_until, q.id, "
                  "(q.concurrency IS NOT NULL OR q.rate IS NOT NULL)::int::bigint, "
                  "EXISTS (SELECT 1 FROM weir_jobs j WHERE j.queue = q.id AND j.state = 0 AND "
                  "j.not_before <= (SELECT now FROM t))::int::bigint "
                  "FROM weir_workers w LEFT JOIN weir_queues q ON q.id = ANY ($2) WHERE w.id = $1 "
                  "ORDER BY q.id FOR KEY SHARE OF w",
                  args));
  Standing standing;
  if (rows.size() == 0) return standing;
  standing.alive = true;
  standing.now = rows.Int(0, 0);
  for (int row = 0; row < rows.size(); ++row) {
    if (rows.IsNull(row, 2)) continue;  // no such queue
    standing.queues.push_back({rows.Int(row, 2), rows.Int(row, 3) != 0, rows.Int(row, 4) != 0});
  }
  standing.lease_over = rows.Int(0, 1) < standing.now;
  return standing;
}

Result<Allowance> PostgresStore::Allowed(Postgres& db, QueueId queue, int most) {
  PostgresArgs args;
  WEIR_TRY(const PostgresRows rows,
           db.Run("SELECT concurrency::bigint, rate, tokens, tokens_at, "
                  "(SELECT count(*) FROM weir_jobs WHERE queue = $1 AND state = 2), coalesce($2, "
                  "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) "
                  "FROM weir_queues WHERE id = $1",
                  args.Int(queue).Int(Now())));
  if (rows.size() == 0) return Allowance();
  QueueLimits limits;
  if (!rows.IsNull(0, 0)) limits.concurrency = static_cast<int>(rows.Int(0, 0));
  if (!rows.IsNull(0, 1)) limits.rate = rows.Real(0, 1);
  limits.tokens = {rows.Real(0, 2), rows.Int(0, 3)};
  const Allowance allowed = MostNow(limits, most, rows.Int(0, 4), rows.Int(0, 5));
  if (allowed.next_at) {
    std::scoped_lock lock(claim_mutex_);
    next_tokens_ = std::min(*allowed.next_at, next_tokens_.value_or(*allowed.next_at));
  }
  return allowed;
}

Result<void> PostgresStore::TakeFrom(Postgres& db, WorkerId worker, const QueueState& queue,
                                     int most, std::int64_t now, std::vector<Claimed>& into) {
  if (queue.due) {
    PostgresArgs args;
    WEIR_CHECK(
        db.Run("WITH due AS MATERIALIZED (SELECT id FROM weir_jobs WHERE queue = $1 AND "
               "state = 0 AND not_before <= $2 ORDER BY not_before LIMIT $3 "
               "FOR UPDATE SKIP LOCKED) "
               "UPDATE weir_jobs j SET state = 1 FROM due WHERE j.id = due.id",
               args.Int(queue.id).Int(now).Int(kDueAtOnce)));
  }
  Allowance allowed{.most = most};
  if (queue.limited) {
    WEIR_TRY(allowed, Allowed(db, queue.id, most));
  }
  if (allowed.most <= 0) return {};
  PostgresArgs args;
  WEIR_TRY(const PostgresRows rows,
           db.Run("WITH picked AS MATERIALIZED (SELECT id FROM weir_jobs WHERE queue = $1 AND "
                  "state = 1 ORDER BY priority DESC, id LIMIT $2 FOR UPDATE SKIP LOCKED) "
                  "UPDATE weir_jobs j SET state = 2, worker = $3, fence = j.fence + 1 "
                  "FROM picked p WHERE j.id = p.id RETURNING j.id, j.fence, j.key, j.row_id, "
                  "j.row, j.attempts::bigint, j.crashes::bigint, j.submitted_at, "
                  "j.priority::bigint",
                  args.Int(queue.id).Int(allowed.most).Int(worker)));
  std::vector<std::pair<std::int64_t, int>> order;  // by priority, and then by id
  order.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) order.emplace_back(-rows.Int(row, 8), row);
  std::ranges::sort(order, [&](const auto& a, const auto& b) {
    return std::pair(a.first, rows.Int(a.second, 0)) < std::pair(b.first, rows.Int(b.second, 0));
  });
  for (const auto& [priority, row] : order) {
    Claimed& job = into.emplace_back();
    job.id = rows.Int(row, 0);
    job.fence = rows.Int(row, 1);
    job.queue = queue.id;
    job.key = rows.Text(row, 2);
    job.row_id = rows.Text(row, 3);
    job.row = rows.Text(row, 4);
    job.attempts = static_cast<int>(rows.Int(row, 5));
    job.crashes = static_cast<int>(rows.Int(row, 6));
    job.submitted_at = rows.Int(row, 7);
  }
  if (!allowed.tokens || rows.size() == 0) return {};
  PostgresArgs left;
  left.Int(queue.id).Real(allowed.tokens->left - rows.size()).Int(allowed.tokens->at_ms);
  WEIR_CHECK(db.Run("UPDATE weir_queues SET tokens = $2, tokens_at = $3 WHERE id = $1", left));
  return {};
}

Result<std::vector<Claimed>> PostgresStore::StillHeld(Postgres& db, WorkerId worker,
                                                      std::vector<Claimed> claims) {
  std::vector<JobId> ids;
  std::vector<std::int64_t> fences;
  for (const Claimed& job : claims) {
    ids.push_back(job.id);
    fences.push_back(job.fence);
  }
  PostgresArgs args;
  args.Ints(ids).Ints(fences).Int(worker);
  // Waits for the transaction that may still be under way.
  WEIR_TRY(const PostgresRows rows,
           db.Run("WITH touched AS MATERIALIZED (SELECT id, fence, worker, state FROM weir_jobs "
                  "WHERE id = ANY ($1) ORDER BY id FOR UPDATE) SELECT t.id FROM touched t "
                  "JOIN unnest($1, $2) AS i (id, fence) ON i.id = t.id AND i.fence = t.fence "
                  "WHERE t.worker = $3 AND t.state = 2",
                  args));
  std::vector<JobId> held;
  held.reserve(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) held.push_back(rows.Int(row, 0));
  std::erase_if(claims,
                [&](const Claimed& job) { return std::ranges::find(held, job.id) == held.end(); });
  return claims;
}

Result<Claims> PostgresStore::Claim(WorkerId worker, std::span<const ClaimFrom> from) {
  std::vector<Claimed> made;  // by an attempt that was done, but for all we know not committed
  return pool_->Transact<Claims>([&](Postgres& db) -> Result<Claims> {
    Claims claims;
    if (!made.empty()) {
      WEIR_TRY(claims.jobs, StillHeld(db, worker, made));
      if (!claims.jobs.empty()) return claims;
    }
    WEIR_TRY(const Standing standing, LookAt(db, worker, from));
    claims.alive = standing.alive;
    if (!claims.alive) return claims;
    {
      std::scoped_lock lock(claim_mutex_);
      claimed_at_ = standing.now;
      next_tokens_.reset();
    }
    std::vector<std::int64_t> locks;
    for (const QueueState& queue : standing.queues) {
      if (queue.limited) locks.push_back(kQueueLocks + queue.id);
    }
    if (!locks.empty()) {
      PostgresArgs args;
      WEIR_CHECK(
          db.Run("SELECT pg_advisory_xact_lock(s.id)::text FROM "
                 "(SELECT unnest($1) AS id ORDER BY 1) s",
                 args.Ints(locks)));
    }
    for (const ClaimFrom& one : from) {
      const auto queue = std::ranges::find(standing.queues, one.queue, &QueueState::id);
      if (queue == standing.queues.end() || one.most <= 0) continue;
      WEIR_CHECK(TakeFrom(db, worker, *queue, one.most, standing.now, claims.jobs));
    }
    if (standing.lease_over && !claims.jobs.empty()) {
      // A sign of life too: jobs of a lease that has run out would be lost at once.
      PostgresArgs args;
      WEIR_CHECK(db.Run("UPDATE weir_workers SET lease_until = $2 + lease_ms WHERE id = $1",
                        args.Int(worker).Int(standing.now)));
    }
    made = claims.jobs;
    return claims;
  });
}

Result<std::vector<JobId>> PostgresStore::Complete(WorkerId worker, std::span<const Ended> ended) {
  WEIR_CHECK(CheckEnded(ended));
  if (ended.empty()) return std::vector<JobId>();
  std::vector<std::int64_t> ids, fences, hows, delays, tries;
  std::vector<std::string_view> results, metadata, attempts, errors, messages;
  for (const Ended& one : ended) {
    ids.push_back(one.id);
    fences.push_back(one.fence);
    hows.push_back(static_cast<int>(one.how));
    delays.push_back(CeilMillis(one.delay));
    tries.push_back(TriesOf(one));
    results.emplace_back(one.result);
    metadata.emplace_back(one.metadata);
    attempts.emplace_back(one.attempts);
    errors.emplace_back(one.error);
    messages.emplace_back(one.message);
  }
  return pool_->Transact<std::vector<JobId>>([&](Postgres& db) -> Result<std::vector<JobId>> {
    PostgresArgs args;
    args.Int(worker).Int(Now()).Ints(ids).Ints(fences).Ints(hows).Ints(delays).Ints(tries);
    args.Texts(results).Texts(metadata).Texts(attempts).Texts(errors).Texts(messages);
    WEIR_TRY(const PostgresRows rows, db.Run(kComplete, args));
    std::unordered_set<JobId> counted;
    bool work = false;
    for (int row = 0; row < rows.size(); ++row) {
      counted.insert(rows.Int(row, 0));
      work = work || rows.Int(row, 1) != 0;
    }
    if (counted.size() < ended.size()) {
      PostgresArgs again;
      again.Int(worker).Ints(ids).Ints(fences).Ints(hows);
      // By a statement of its own: it sees what the first one waited for.
      WEIR_TRY(const PostgresRows before,
               db.Run("SELECT t.job FROM unnest($2, $3, $4) AS i (id, fence, how) "
                      "JOIN weir_tries t ON t.job = i.id AND t.fence = i.fence AND t.how = i.how "
                      "WHERE t.worker = $1",
                      again));
      for (int row = 0; row < before.size(); ++row) counted.insert(before.Int(row, 0));
    }
    if (work) {
      WEIR_CHECK(Notify(db));
    }
    std::vector<JobId> in_order;
    std::ranges::copy_if(ids, std::back_inserter(in_order),
                         [&](JobId id) { return counted.contains(id); });
    return in_order;
  });
}

Result<void> PostgresStore::CountRepeated(QueueId queue, std::int64_t calls) {
  return pool_->TransactVoid([&](Postgres& db) -> Result<void> {
    PostgresArgs args;
    WEIR_CHECK(db.Run("UPDATE weir_queues SET repeated_calls = repeated_calls + $2 WHERE id = $1",
                      args.Int(queue).Int(calls)));
    return {};
  });
}

}  // namespace weir::jobs
