#include "weir/jobs/sqlite_schema.h"

#include "weir/base/text.h"
#include "weir/jobs/store_rules.h"

namespace weir::jobs {
namespace {

// States are those of JobState. What changes with every claim stands apart from the row, which may
// be long. The counts are kept by triggers: to count a million jobs takes too long for a status.
constexpr char kVersion1[] = R"sql(
CREATE TABLE weir_meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE weir_queues (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  flow TEXT NOT NULL,
  digest TEXT NOT NULL,
  concurrency INTEGER,
  rate REAL,
  max_crashes INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  tokens REAL NOT NULL,
  tokens_at INTEGER NOT NULL,
  crashes INTEGER NOT NULL DEFAULT 0,
  repeated_calls INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE weir_workers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  since INTEGER NOT NULL,
  lease_ms INTEGER NOT NULL,
  lease_until INTEGER NOT NULL
);

CREATE TABLE weir_jobs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue INTEGER NOT NULL,
  state INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  fence INTEGER NOT NULL DEFAULT 0,
  worker INTEGER,
  cancel_asked INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER,
  submitted_at INTEGER NOT NULL,
  ended_at INTEGER,
  error TEXT NOT NULL DEFAULT '',
  message TEXT NOT NULL DEFAULT '',
  key TEXT NOT NULL,
  row_id TEXT NOT NULL
);
CREATE UNIQUE INDEX weir_jobs_key ON weir_jobs (queue, key);
CREATE INDEX weir_jobs_waiting ON weir_jobs (queue, not_before) WHERE state = 0;
CREATE INDEX weir_jobs_queued ON weir_jobs (queue, priority DESC, id) WHERE state = 1;
CREATE INDEX weir_jobs_running ON weir_jobs (worker) WHERE state = 2;
CREATE INDEX weir_jobs_dead ON weir_jobs (queue, state) WHERE state >= 4;

CREATE TABLE weir_rows (
  job INTEGER PRIMARY KEY,
  row TEXT NOT NULL
);
CREATE TABLE weir_results (
  job INTEGER PRIMARY KEY,
  result TEXT NOT NULL,
  metadata TEXT NOT NULL
);
CREATE TABLE weir_tries (
  job INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  worker INTEGER NOT NULL,
  how INTEGER NOT NULL,
  attempts TEXT NOT NULL,
  PRIMARY KEY (job, fence)
) WITHOUT ROWID;

CREATE TABLE weir_variants (
  agent TEXT NOT NULL,
  variant TEXT NOT NULL,
  config TEXT NOT NULL,
  active INTEGER NOT NULL,
  PRIMARY KEY (agent, variant)
) WITHOUT ROWID;

CREATE TABLE weir_counts (
  queue INTEGER NOT NULL,
  state INTEGER NOT NULL,
  jobs INTEGER NOT NULL,
  PRIMARY KEY (queue, state)
) WITHOUT ROWID;
CREATE TRIGGER weir_queue_is_new AFTER INSERT ON weir_queues BEGIN
  INSERT INTO weir_counts VALUES (new.id, 0, 0), (new.id, 1, 0), (new.id, 2, 0), (new.id, 3, 0),
                                 (new.id, 4, 0), (new.id, 5, 0);
END;
CREATE TRIGGER weir_job_is_new AFTER INSERT ON weir_jobs BEGIN
  UPDATE weir_counts SET jobs = jobs + 1 WHERE queue = new.queue AND state = new.state;
END;
CREATE TRIGGER weir_job_changed AFTER UPDATE OF state ON weir_jobs WHEN old.state <> new.state BEGIN
  UPDATE weir_counts SET jobs = jobs - 1 WHERE queue = old.queue AND state = old.state;
  UPDATE weir_counts SET jobs = jobs + 1 WHERE queue = new.queue AND state = new.state;
END;
CREATE TRIGGER weir_job_is_gone AFTER DELETE ON weir_jobs BEGIN
  UPDATE weir_counts SET jobs = jobs - 1 WHERE queue = old.queue AND state = old.state;
  DELETE FROM weir_rows WHERE job = old.id;
  DELETE FROM weir_results WHERE job = old.id;
  DELETE FROM weir_tries WHERE job = old.id;
END;
)sql";

// The store is told from others, whose jobs have the same numbers. Who failed at a job is told as
// long as it has failed. Workers say how they stand.
constexpr char kVersion2[] = R"sql(
INSERT INTO weir_meta VALUES ('store', lower(hex(randomblob(8)))) ON CONFLICT DO NOTHING;
CREATE TRIGGER weir_job_begins_anew AFTER UPDATE OF state ON weir_jobs
WHEN old.state = 4 AND new.state <> 4 BEGIN
  DELETE FROM weir_results WHERE job = old.id;
END;
ALTER TABLE weir_workers ADD COLUMN paused TEXT NOT NULL DEFAULT '';
ALTER TABLE weir_workers ADD COLUMN resting INTEGER NOT NULL DEFAULT 0;
ALTER TABLE weir_workers ADD COLUMN next_try INTEGER;
)sql";

constexpr const char* kMigrations[] = {kVersion1, kVersion2};
static_assert(std::size(kMigrations) == kSchemaVersion);

}  // namespace

std::span<const char* const> SqliteMigrations() { return kMigrations; }

Result<int> SqliteVersion(store::Sqlite& db) {
  {
    auto table =
        db.Query("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'weir_meta'");
    WEIR_TRY(const bool there, table.Next());
    if (!there) return 0;
  }
  auto query = db.Query("SELECT value FROM weir_meta WHERE name = 'version'");
  WEIR_TRY(const bool row, query.Next());
  return row ? static_cast<int>(query.Int(0)) : 0;
}

Result<void> MigrateSqlite(store::Sqlite& db, const std::string& where, bool migrate,
                           std::span<const char* const> migrations) {
  const int newest = static_cast<int>(migrations.size());
  WEIR_TRY(const int before, SqliteVersion(db));
  if (before == newest) return {};
  if (before > newest || !migrate) return WrongVersion(where, before, newest);

  WEIR_TRY(auto transaction, store::SqliteTransaction::Begin(db, store::SqliteSync::kFull));
  WEIR_TRY(const int version, SqliteVersion(db));  // another may have been quicker
  if (version > newest) return WrongVersion(where, version, newest);
  for (int next = version; next < newest; ++next) {
    WEIR_CHECK(db.Execute(migrations[static_cast<std::size_t>(next)]));
  }
  WEIR_CHECK(
      db.Run("INSERT INTO weir_meta VALUES ('version', ?1) "
             "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
             {newest}));
  return transaction.Commit();
}

}  // namespace weir::jobs
