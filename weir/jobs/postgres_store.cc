#include "weir/jobs/postgres_store.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/jobs/postgres_schema.h"

namespace weir::jobs {
namespace {

using store::Postgres;
using store::PostgresArgs;
using store::PostgresPool;
using store::PostgresRows;
using namespace std::chrono_literals;

constexpr std::size_t kRowsAtOnce = 2000;  // of one statement
constexpr Duration kOpenPatience = 10s;    // somebody may be waiting for the first answer

// What holds locks and falls silent is ended by the server. The plan of a claim has to be the index
// scan, however old the statistics are: tables grow from nothing to millions within minutes.
constexpr char kSetup[] =
    "SET default_transaction_isolation = 'read committed'; SET statement_timeout = 29000; "
    "SET idle_in_transaction_session_timeout = 60000; SET tcp_keepalives_idle = 30; "
    "SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3; SET jit = off; "
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET client_min_messages = error";

store::PostgresPoolOptions PoolOptions(Duration patience) {
  return {.patience = patience, .setup = kSetup};
}

// A first answer within a short time, or the reason.
Result<void> Reach(const std::string& url, Duration patience) {
  WEIR_TRY(const auto pool,
           PostgresPool::Create(url, PoolOptions(std::min(patience, kOpenPatience))));
  return pool->TransactVoid([](Postgres&) -> Result<void> { return {}; });
}

constexpr char kOldest[] = R"sql(
WITH RECURSIVE priorities (priority) AS (
  SELECT (SELECT max(priority) FROM weir_jobs WHERE queue = $1 AND state = 1)
  UNION ALL
  SELECT (SELECT max(j.priority) FROM weir_jobs j
          WHERE j.queue = $1 AND j.state = 1 AND j.priority < p.priority)
  FROM priorities p WHERE p.priority IS NOT NULL),
highest (priority) AS (SELECT priority FROM priorities WHERE priority IS NOT NULL LIMIT 100)
SELECT min((SELECT greatest(j.submitted_at, j.not_before) FROM weir_jobs j
            WHERE j.queue = $1 AND j.state = 1 AND j.priority = s.priority ORDER BY j.id LIMIT 1)),
  coalesce($2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
FROM highest s)sql";

QueueInfo QueueOf(const PostgresRows& rows, int row) {
  QueueInfo queue;
  queue.id = rows.Int(row, 0);
  queue.spec.name = rows.Text(row, 1);
  queue.spec.flow = rows.Text(row, 2);
  queue.spec.digest = rows.Text(row, 3);
  if (!rows.IsNull(row, 4)) queue.spec.concurrency = static_cast<int>(rows.Int(row, 4));
  if (!rows.IsNull(row, 5)) queue.spec.rate = rows.Real(row, 5);
  queue.spec.max_crashes = static_cast<int>(rows.Int(row, 6));
  queue.spec.max_attempts = static_cast<int>(rows.Int(row, 7));
  queue.crashes = rows.Int(row, 8);
  queue.repeated_calls = rows.Int(row, 9);
  if (!rows.IsNull(row, 10)) queue.next_ms = std::max<std::int64_t>(0, rows.Int(row, 10));
  return queue;
}

std::optional<std::int64_t> Optional(const std::optional<int>& value) {
  return value ? std::optional<std::int64_t>(*value) : std::nullopt;
}

}  // namespace

PostgresStore::PostgresStore(std::unique_ptr<PostgresPool> pool, const StoreOptions& options,
                             int wake)
    : pool_(std::move(pool)), now_ms_(options.now_ms), wake_fd_(wake) {}

PostgresStore::~PostgresStore() { ::close(wake_fd_); }

Result<std::unique_ptr<JobStore>> PostgresStore::Open(const std::string& url,
                                                      const StoreOptions& options) {
  WEIR_CHECK(Reach(url, options.patience));
  WEIR_TRY(auto pool, PostgresPool::Create(url, PoolOptions(options.patience)));
  WEIR_CHECK(MigratePostgres(*pool, options.migrate));
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Fail(Code::kIoError, "cannot make an eventfd", std::strerror(errno));
  return std::unique_ptr<JobStore>(new PostgresStore(std::move(pool), options, wake));
}

Result<int> PostgresStore::Version(const std::string& url) {
  WEIR_TRY(const auto pool, PostgresPool::Create(url, PoolOptions(kOpenPatience)));
  return pool->Transact<int>(PostgresVersion);
}

std::string PostgresStore::Where() const { return pool_->where(); }

Result<std::string> PostgresStore::Id() {
  return pool_->Transact<std::string>([](Postgres& db) -> Result<std::string> {
    WEIR_TRY(const PostgresRows rows, db.Run("SELECT value FROM weir_meta WHERE name = 'store'"));
    return rows.size() == 0 ? std::string() : std::string(rows.Text(0, 0));
  });
}

std::optional<std::int64_t> PostgresStore::Now() const {
  return now_ms_ ? std::optional(now_ms_()) : std::nullopt;
}

Result<QueueId> PostgresStore::Declare(const QueueSpec& spec) {
  WEIR_CHECK(CheckQueue(spec));
  return pool_->Transact<QueueId>([&](Postgres& db) -> Result<QueueId> {
    PostgresArgs args;
    args.Text(spec.name).Text(spec.flow).Text(spec.digest).Int(Optional(spec.concurrency));
    args.Real(spec.rate).Int(spec.max_crashes).Int(spec.max_attempts);
    WEIR_TRY(const PostgresRows same,
             db.Run("SELECT id FROM weir_queues WHERE name = $1 AND flow = $2 AND digest = $3 AND "
                    "concurrency IS NOT DISTINCT FROM $4 AND rate IS NOT DISTINCT FROM $5 AND "
                    "max_crashes = $6 AND max_attempts = $7",
                    args));
    if (same.size() != 0) return same.Int(0, 0);
    PostgresArgs name;
    name.Text(spec.name);
    WEIR_TRY(const PostgresRows known, db.Run("SELECT 1 FROM weir_queues WHERE name = $1", name));
    if (known.size() == 0) {
      WEIR_CHECK(CheckNewQueue(spec));
    }
    args.Int(Now());
    // What is new has all of its tokens, of which no more count than its rate allows.
    WEIR_TRY(const PostgresRows made,
             db.Run("INSERT INTO weir_queues (name, flow, digest, concurrency, rate, max_crashes, "
                    "max_attempts, tokens, tokens_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 1e9, "
                    "coalesce($8, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)) "
                    "ON CONFLICT (name) DO UPDATE SET flow = excluded.flow, "
                    "digest = excluded.digest, concurrency = excluded.concurrency, "
                    "rate = excluded.rate, max_crashes = excluded.max_crashes, "
                    "max_attempts = excluded.max_attempts RETURNING id",
                    args));
    return made.Int(0, 0);
  });
}

Result<std::vector<QueueInfo>> PostgresStore::Queues() {
  return pool_->Transact<std::vector<QueueInfo>>(
      [&](Postgres& db) -> Result<std::vector<QueueInfo>> {
        PostgresArgs now;
        WEIR_TRY(const PostgresRows rows,
                 db.Run("SELECT q.id, q.name, q.flow, q.digest, q.concurrency::bigint, q.rate, "
                        "q.max_crashes::bigint, q.max_attempts::bigint, q.crashes, "
                        "q.repeated_calls, (SELECT min(j.not_before) FROM weir_jobs j "
                        "WHERE j.queue = q.id AND j.state = 0) - coalesce($1, "
                        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) "
                        "FROM weir_queues q ORDER BY q.id",
                        now.Int(Now())));
        WEIR_TRY(const PostgresRows counts,
                 db.Run("SELECT queue, state::bigint, count(*) FROM weir_jobs GROUP BY 1, 2"));
        std::vector<QueueInfo> queues;
        for (int row = 0; row < rows.size(); ++row) {
          QueueInfo& queue = queues.emplace_back(QueueOf(rows, row));
          for (int i = 0; i < counts.size(); ++i) {
            const std::int64_t state = counts.Int(i, 1);
            if (counts.Int(i, 0) != queue.id || state < 0 || state >= kJobStates) continue;
            queue.counts[state] = counts.Int(i, 2);
          }
          PostgresArgs args;
          WEIR_TRY(const PostgresRows oldest, db.Run(kOldest, args.Int(queue.id).Int(Now())));
          if (oldest.IsNull(0, 0)) continue;
          queue.oldest_ms = std::max<std::int64_t>(0, oldest.Int(0, 1) - oldest.Int(0, 0));
        }
        return queues;
      });
}

namespace {

struct Made {
  std::vector<JobId> ids;
  std::vector<std::string> keys;
};

// Those that were not known.
Result<void> Insert(Postgres& db, QueueId queue, std::span<const NewJob> jobs,
                    std::optional<std::int64_t> now, Made& made) {
  std::vector<std::string_view> keys;
  std::vector<std::string_view> row_ids;
  std::vector<std::string_view> rows;
  std::vector<std::int64_t> priorities;
  std::vector<std::optional<std::int64_t>> times;
  for (const NewJob& job : jobs) {
    keys.emplace_back(job.key);
    row_ids.emplace_back(job.row_id);
    rows.emplace_back(job.row);
    priorities.push_back(job.priority);
    times.push_back(job.not_before);
  }
  PostgresArgs args;
  args.Int(queue).Int(now).Texts(keys).Texts(row_ids).Texts(rows).Ints(priorities).Ints(times);
  WEIR_TRY(const PostgresRows fresh,
           db.Run("WITH t AS MATERIALIZED (SELECT coalesce($2, "
                  "(extract(epoch FROM clock_timestamp()) * 1000)::bigint) AS now) "
                  "INSERT INTO weir_jobs (queue, state, priority, not_before, submitted_at, key, "
                  "row_id, row) SELECT $1, CASE WHEN i.not_before > t.now THEN 0 ELSE 1 END, "
                  "i.priority, i.not_before, t.now, i.key, i.row_id, i.row FROM t, "
                  "unnest($3, $4, $5, $6, $7) WITH ORDINALITY "
                  "AS i (key, row_id, row, priority, not_before, number) ORDER BY i.number "
                  "ON CONFLICT (queue, key) DO NOTHING RETURNING id, key",
                  args));
  for (int row = 0; row < fresh.size(); ++row) {
    made.ids.push_back(fresh.Int(row, 0));
    made.keys.emplace_back(fresh.Text(row, 1));
  }
  return {};
}

// How many of `before` are there beside `now`. A server that crashed may give an id that nobody has
// seen again: to another job, so the key counts as well, and to the same one, which is in `now`.
Result<std::int64_t> CountOf(Postgres& db, QueueId queue, const Made& before, const Made& now) {
  const std::vector<std::string_view> keys(before.keys.begin(), before.keys.end());
  PostgresArgs args;
  WEIR_TRY(const PostgresRows rows,
           db.Run("SELECT count(DISTINCT j.id) FROM unnest($2, $3) AS i (id, key) JOIN weir_jobs j "
                  "ON j.id = i.id AND j.key = i.key WHERE j.queue = $1 AND j.id <> ALL ($4)",
                  args.Int(queue).Ints(before.ids).Texts(keys).Ints(now.ids)));
  return rows.Int(0, 0);
}

}  // namespace

Result<Submitted> PostgresStore::Submit(QueueId queue, std::span<const NewJob> jobs) {
  WEIR_CHECK(CheckJobs(jobs));
  if (jobs.empty()) return Submitted();
  Made before;  // by attempts whose answers were lost: it may be there
  Made made;
  return pool_->Transact<Submitted>([&](Postgres& db) -> Result<Submitted> {
    std::ranges::move(made.ids, std::back_inserter(before.ids));
    std::ranges::move(made.keys, std::back_inserter(before.keys));
    made = {};
    PostgresArgs which;
    WEIR_TRY(
        const PostgresRows there,
        db.Run("SELECT 1::bigint FROM weir_queues WHERE id = $1 FOR KEY SHARE", which.Int(queue)));
    if (there.size() == 0) {
      return Fail(Code::kInvalidRequest, StrCat("there is no queue ", queue, " here"));
    }
    for (std::size_t at = 0; at < jobs.size(); at += kRowsAtOnce) {
      const auto some = jobs.subspan(at, std::min(kRowsAtOnce, jobs.size() - at));
      WEIR_CHECK(Insert(db, queue, some, Now(), made));
    }
    auto accepted = static_cast<std::int64_t>(made.ids.size());
    if (!before.ids.empty()) {
      WEIR_TRY(const std::int64_t known, CountOf(db, queue, before, made));
      accepted += known;
    }
    if (accepted > 0) {
      WEIR_CHECK(db.Run("SELECT pg_notify('weir_jobs', '')::text"));
    }
    return Submitted{accepted, static_cast<std::int64_t>(jobs.size()) - accepted};
  });
}

Result<bool> PostgresStore::Remove(QueueId queue) {
  bool removed = false;
  return pool_->Transact<bool>([&](Postgres& db) -> Result<bool> {
    PostgresArgs args;
    args.Int(queue);
    // Behind whoever submits: what they brought is seen by the next statement.
    WEIR_CHECK(db.Run("SELECT 1::bigint FROM weir_queues WHERE id = $1 FOR UPDATE", args));
    args.Int(Now());
    WEIR_TRY(const PostgresRows gone,
             db.Run("DELETE FROM weir_queues WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM "
                    "weir_workers WHERE lease_until >= coalesce($2, (extract(epoch FROM "
                    "clock_timestamp()) * 1000)::bigint)) "
                    "AND NOT EXISTS (SELECT 1 FROM weir_jobs WHERE queue = $1)",
                    args));
    removed |= gone.changed() > 0;  // by an attempt whose answer was lost, too
    return removed;
  });
}

Result<void> PostgresStore::SetVariant(const Variant& variant) {
  WEIR_CHECK(CheckVariant(variant));
  const bool activate = variant.active || variant.config.empty();
  return pool_->TransactVoid([&](Postgres& db) -> Result<void> {
    PostgresArgs agent;
    agent.Text(variant.agent);
    PostgresArgs args;
    args.Text(variant.agent).Text(variant.variant);
    // One at a time, so that no two are active.
    WEIR_CHECK(db.Run("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))::text", agent));
    if (activate) {
      WEIR_CHECK(db.Run("UPDATE weir_variants SET active = false WHERE agent = $1", agent));
    }
    if (variant.config.empty()) {
      WEIR_TRY(
          const PostgresRows changed,
          db.Run("UPDATE weir_variants SET active = true WHERE agent = $1 AND variant = $2", args));
      if (changed.changed() == 0) return NoVariant(variant, Where());
      return {};
    }
    args.Text(variant.config).Int(activate ? 1 : 0);
    WEIR_CHECK(
        db.Run("INSERT INTO weir_variants AS v VALUES ($1, $2, $3, $4 = 1) "
               "ON CONFLICT (agent, variant) DO UPDATE SET config = excluded.config, "
               "active = v.active OR excluded.active",
               args));
    return {};
  });
}

Result<std::optional<Variant>> PostgresStore::ActiveVariant(std::string_view agent) {
  WEIR_TRY(const std::vector<Variant> variants, Variants());
  for (const Variant& variant : variants) {
    if (variant.agent == agent && variant.active) return variant;
  }
  return std::nullopt;
}

Result<std::vector<Variant>> PostgresStore::Variants() {
  return pool_->Transact<std::vector<Variant>>([](Postgres& db) -> Result<std::vector<Variant>> {
    WEIR_TRY(const PostgresRows rows,
             db.Run("SELECT agent, variant, config, active::int::bigint FROM weir_variants "
                    "ORDER BY agent, variant"));
    std::vector<Variant> variants;
    variants.reserve(static_cast<std::size_t>(rows.size()));
    for (int row = 0; row < rows.size(); ++row) {
      variants.push_back({std::string(rows.Text(row, 0)), std::string(rows.Text(row, 1)),
                          std::string(rows.Text(row, 2)), rows.Int(row, 3) != 0});
    }
    return variants;
  });
}

}  // namespace weir::jobs
