#include "weir/jobs/sqlite_store.h"

#include <ctime>
#include <filesystem>
#include <utility>

#include "weir/base/text.h"
#include "weir/jobs/sqlite_schema.h"
#include "weir/store/files.h"

namespace weir::jobs {
namespace {

using store::Sqlite;
using store::SqliteSync;
using store::SqliteTransaction;

constexpr int kSmallCacheKib = 1024;

// What the kernel calls this run of the machine.
Result<std::string> BootId() {
  WEIR_TRY(const auto text, store::ReadFile("/proc/sys/kernel/random/boot_id", 100));
  if (!text) return "unknown";
  return std::string(Trim(*text));
}

std::string WhereOf(const std::string& path) { return StrCat("sqlite:", path); }

// Priorities of the queued jobs from the highest on; a queue with more than some is looked at in
// part.
constexpr char kOldest[] = R"sql(
WITH RECURSIVE priorities (priority) AS (
  SELECT (SELECT max(priority) FROM weir_jobs WHERE queue = ?1 AND state = 1)
  UNION ALL
  SELECT (SELECT max(j.priority) FROM weir_jobs j
          WHERE j.queue = ?1 AND j.state = 1 AND j.priority < p.priority)
  FROM priorities p WHERE p.priority IS NOT NULL LIMIT 100)
SELECT min((SELECT max(j.submitted_at, coalesce(j.not_before, 0)) FROM weir_jobs j
            WHERE j.queue = ?1 AND j.state = 1 AND j.priority = p.priority ORDER BY j.id LIMIT 1))
FROM priorities p WHERE p.priority IS NOT NULL)sql";

}  // namespace

SqliteStore::SqliteStore(std::string path, const StoreOptions& options, Sqlite db, Sqlite reader,
                         Sqlite waiter)
    : path_(std::move(path)),
      now_ms_(options.now_ms),
      db_(std::move(db)),
      reader_(std::move(reader)),
      waiter_(std::move(waiter)) {}

Result<std::unique_ptr<JobStore>> SqliteStore::Open(const std::string& path,
                                                    const StoreOptions& options) {
  if (path.empty()) {
    return Fail(Code::kConfigError, "the store sqlite: names no file; write sqlite:FILE");
  }
  const store::SqliteOptions large{.create = options.migrate, .patience = options.patience};
  const store::SqliteOptions small{
      .create = false, .patience = options.patience, .cache_kib = kSmallCacheKib};
  WEIR_TRY(Sqlite db, Sqlite::Open(path, large));
  WEIR_CHECK(MigrateSqlite(db, WhereOf(path), options.migrate));
  WEIR_TRY(Sqlite reader, Sqlite::Open(path, small));
  WEIR_TRY(Sqlite waiter, Sqlite::Open(path, small));
  std::unique_ptr<SqliteStore> made(
      new SqliteStore(path, options, std::move(db), std::move(reader), std::move(waiter)));
  WEIR_CHECK(made->EndOtherBoots());
  return made;
}

Result<int> SqliteStore::Version(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return 0;
  WEIR_TRY(Sqlite db, Sqlite::Open(path, {.create = false}));
  return SqliteVersion(db);
}

// The clock of the leases began anew, and so did that of the rates.
Result<void> SqliteStore::EndOtherBoots() {
  WEIR_TRY(const std::string boot, BootId());
  {
    auto query = db_.Query("SELECT 1 FROM weir_meta WHERE name = 'boot' AND value = ?1", {boot});
    WEIR_TRY(const bool same, query.Next());
    if (same) return {};
  }
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kFull));
  WEIR_CHECK(
      db_.Run("UPDATE weir_workers SET lease_until = -1 WHERE NOT EXISTS "
              "(SELECT 1 FROM weir_meta WHERE name = 'boot' AND value = ?1)",
              {boot}));
  WEIR_CHECK(
      db_.Run("UPDATE weir_queues SET tokens_at = 0 WHERE NOT EXISTS "
              "(SELECT 1 FROM weir_meta WHERE name = 'boot' AND value = ?1)",
              {boot}));
  WEIR_CHECK(
      db_.Run("INSERT INTO weir_meta VALUES ('boot', ?1) "
              "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
              {boot}));
  return transaction.Commit();
}

std::string SqliteStore::Where() const { return WhereOf(path_); }

Result<std::string> SqliteStore::Id() {
  std::scoped_lock lock(mutex_);
  auto query = db_.Query("SELECT value FROM weir_meta WHERE name = 'store'");
  WEIR_TRY(const bool row, query.Next());
  return row ? std::string(query.Text(0)) : std::string();
}

std::int64_t SqliteStore::LeaseMillis() const {
  if (now_ms_) return now_ms_();
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

std::int64_t SqliteStore::WallTime() const { return now_ms_ ? now_ms_() : WallMillis(); }

Result<QueueId> SqliteStore::Declare(const QueueSpec& spec) {
  WEIR_CHECK(CheckQueue(spec));
  std::scoped_lock lock(mutex_);
  {
    auto query = db_.Query(
        "SELECT id FROM weir_queues WHERE name = ?1 AND flow = ?2 AND digest = ?3 AND "
        "concurrency IS ?4 AND rate IS ?5 AND max_crashes = ?6 AND max_attempts = ?7",
        {spec.name, spec.flow, spec.digest, spec.concurrency, spec.rate, spec.max_crashes,
         spec.max_attempts});
    WEIR_TRY(const bool same, query.Next());
    if (same) return query.Int(0);
    auto known = db_.Query("SELECT 1 FROM weir_queues WHERE name = ?1", {spec.name});
    WEIR_TRY(const bool is_known, known.Next());
    if (!is_known) {
      WEIR_CHECK(CheckNewQueue(spec));
    }
  }
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kFull));
  // What is new has all of its tokens, of which no more count than its rate allows.
  WEIR_CHECK(db_.Run(
      "INSERT INTO weir_queues (name, flow, digest, concurrency, rate, max_crashes, max_attempts, "
      "tokens, tokens_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1e9, ?8) ON CONFLICT (name) DO "
      "UPDATE SET flow = excluded.flow, digest = excluded.digest, "
      "concurrency = excluded.concurrency, rate = excluded.rate, "
      "max_crashes = excluded.max_crashes, max_attempts = excluded.max_attempts",
      {spec.name, spec.flow, spec.digest, spec.concurrency, spec.rate, spec.max_crashes,
       spec.max_attempts, LeaseMillis()}));
  QueueId id = 0;
  {
    auto query = db_.Query("SELECT id FROM weir_queues WHERE name = ?1", {spec.name});
    WEIR_TRY(const bool row, query.Next());
    if (row) id = query.Int(0);
  }
  WEIR_CHECK(transaction.Commit());
  return id;
}

Result<std::vector<QueueInfo>> SqliteStore::Queues() {
  std::scoped_lock lock(reader_mutex_);
  std::vector<QueueInfo> queues;
  auto query = reader_.Query(
      "SELECT id, name, flow, digest, concurrency, rate, max_crashes, max_attempts, crashes, "
      "repeated_calls FROM weir_queues ORDER BY id");
  for (;;) {
    WEIR_TRY(const bool row, query.Next());
    if (!row) break;
    QueueInfo& queue = queues.emplace_back();
    queue.id = query.Int(0);
    queue.spec.name = query.Text(1);
    queue.spec.flow = query.Text(2);
    queue.spec.digest = query.Text(3);
    if (!query.IsNull(4)) queue.spec.concurrency = static_cast<int>(query.Int(4));
    if (!query.IsNull(5)) queue.spec.rate = query.Real(5);
    queue.spec.max_crashes = static_cast<int>(query.Int(6));
    queue.spec.max_attempts = static_cast<int>(query.Int(7));
    queue.crashes = query.Int(8);
    queue.repeated_calls = query.Int(9);
  }
  for (QueueInfo& queue : queues) {
    auto counts = reader_.Query("SELECT state, jobs FROM weir_counts WHERE queue = ?1", {queue.id});
    for (;;) {
      WEIR_TRY(const bool row, counts.Next());
      if (!row) break;
      const std::int64_t state = counts.Int(0);
      if (state >= 0 && state < kJobStates) queue.counts[state] = counts.Int(1);
    }
    auto oldest = reader_.Query(kOldest, {queue.id});
    WEIR_TRY(const bool row, oldest.Next());
    if (row && !oldest.IsNull(0)) {
      queue.oldest_ms = std::max<std::int64_t>(0, WallTime() - oldest.Int(0));
    }
    auto next = reader_.Query(
        "SELECT min(not_before) FROM weir_jobs WHERE queue = ?1 AND state = 0", {queue.id});
    WEIR_TRY(const bool waits, next.Next());
    if (waits && !next.IsNull(0)) {
      queue.next_ms = std::max<std::int64_t>(0, next.Int(0) - WallTime());
    }
  }
  return queues;
}

Result<bool> SqliteStore::Remove(QueueId queue) {
  std::scoped_lock lock(mutex_);
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kFull));
  WEIR_CHECK(
      db_.Run("DELETE FROM weir_queues WHERE id = ?1 AND NOT EXISTS "
              "(SELECT 1 FROM weir_workers WHERE lease_until >= ?2) "
              "AND NOT EXISTS (SELECT 1 FROM weir_jobs WHERE queue = ?1)",
              {queue, LeaseMillis()}));
  if (db_.changes() == 0) return false;
  WEIR_CHECK(db_.Run("DELETE FROM weir_counts WHERE queue = ?1", {queue}));
  WEIR_CHECK(transaction.Commit());
  return true;
}

Result<Submitted> SqliteStore::Submit(QueueId queue, std::span<const NewJob> jobs) {
  WEIR_CHECK(CheckJobs(jobs));
  std::scoped_lock lock(mutex_);
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kFull));
  {
    auto query = db_.Query("SELECT 1 FROM weir_queues WHERE id = ?1", {queue});
    WEIR_TRY(const bool there, query.Next());
    if (!there) return Fail(Code::kInvalidRequest, StrCat("there is no queue ", queue, " here"));
  }
  const std::int64_t now = WallTime();
  Submitted submitted;
  {
    auto insert = db_.Query(
        "INSERT INTO weir_jobs (queue, state, priority, not_before, submitted_at, key, row_id) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (queue, key) DO NOTHING");
    auto row = db_.Query("INSERT INTO weir_rows VALUES (last_insert_rowid(), ?1)");
    for (const NewJob& job : jobs) {
      const bool waits = job.not_before && *job.not_before > now;
      WEIR_CHECK(insert.Run(
          {queue, waits ? 0 : 1, job.priority, job.not_before, now, job.key, job.row_id}));
      if (db_.changes() == 0) {
        ++submitted.known;
        continue;
      }
      ++submitted.accepted;
      WEIR_CHECK(row.Run({job.row}));
    }
  }
  WEIR_CHECK(transaction.Commit());
  return submitted;
}

Result<void> SqliteStore::SetVariant(const Variant& variant) {
  WEIR_CHECK(CheckVariant(variant));
  std::scoped_lock lock(mutex_);
  WEIR_TRY(auto transaction, SqliteTransaction::Begin(db_, SqliteSync::kFull));
  const bool activate = variant.active || variant.config.empty();
  if (activate) {
    WEIR_CHECK(db_.Run("UPDATE weir_variants SET active = 0 WHERE agent = ?1", {variant.agent}));
  }
  if (variant.config.empty()) {
    WEIR_CHECK(db_.Run("UPDATE weir_variants SET active = 1 WHERE agent = ?1 AND variant = ?2",
                       {variant.agent, variant.variant}));
    if (db_.changes() == 0) return NoVariant(variant, Where());
  } else {
    WEIR_CHECK(db_.Run(
        "INSERT INTO weir_variants VALUES (?1, ?2, ?3, ?4) ON CONFLICT (agent, variant) DO UPDATE "
        "SET config = excluded.config, active = max(active, excluded.active)",
        {variant.agent, variant.variant, variant.config, activate ? 1 : 0}));
  }
  return transaction.Commit();
}

Result<std::optional<Variant>> SqliteStore::ActiveVariant(std::string_view agent) {
  std::scoped_lock lock(reader_mutex_);
  auto query = reader_.Query(
      "SELECT agent, variant, config FROM weir_variants WHERE agent = ?1 AND active = 1", {agent});
  WEIR_TRY(const bool row, query.Next());
  if (!row) return std::nullopt;
  return Variant{std::string(query.Text(0)), std::string(query.Text(1)), std::string(query.Text(2)),
                 true};
}

Result<std::vector<Variant>> SqliteStore::Variants() {
  std::scoped_lock lock(reader_mutex_);
  auto query = reader_.Query(
      "SELECT agent, variant, config, active FROM weir_variants ORDER BY agent, variant");
  std::vector<Variant> variants;
  for (;;) {
    WEIR_TRY(const bool row, query.Next());
    if (!row) return variants;
    variants.push_back({std::string(query.Text(0)), std::string(query.Text(1)),
                        std::string(query.Text(2)), query.Int(3) != 0});
  }
}

}  // namespace weir::jobs
