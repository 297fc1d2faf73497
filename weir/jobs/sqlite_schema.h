#pragma once

// The tables of a store in SQLite, version by version.

#include <span>
#include <string>

#include "weir/base/result.h"
#include "weir/jobs/queue.h"
#include "weir/store/sqlite.h"

namespace weir::jobs {

// What makes each version out of the one before, from 1 on.
std::span<const char* const> SqliteMigrations();

// 0: the store has none yet.
Result<int> SqliteVersion(store::Sqlite& db);

// Brings the schema to the version that `migrations` ends with, all or nothing. Fails with
// kConfigError for a newer one, and, unless `migrate`, for an older one.
Result<void> MigrateSqlite(store::Sqlite& db, const std::string& where, bool migrate,
                           std::span<const char* const> migrations = SqliteMigrations());

}  // namespace weir::jobs
