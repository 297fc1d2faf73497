#pragma once

// The tables of a store in PostgreSQL, version by version.

#include <cstdint>
#include <span>
#include <string>

#include "weir/base/result.h"
#include "weir/jobs/queue.h"
#include "weir/store/postgres_pool.h"

namespace weir::jobs {

// Numbers of advisory locks: "weir", and what it is for. That of a queue is kQueueLocks plus its
// id.
inline constexpr std::int64_t kQueueLocks = std::int64_t{0x77656972} << 32;
inline constexpr std::int64_t kReapLock = kQueueLocks - 1;
inline constexpr std::int64_t kMigrateLock = kQueueLocks - 2;

// What makes each version out of the one before, from 1 on.
std::span<const char* const> PostgresMigrations();

// 0: the store has none yet.
Result<int> PostgresVersion(store::Postgres& db);

// Brings the schema to the version that `migrations` ends with, all or nothing. Fails with
// kConfigError for a newer one, and, unless `migrate`, for an older one.
Result<void> MigratePostgres(store::PostgresPool& pool, bool migrate,
                             std::span<const char* const> migrations = PostgresMigrations());

}  // namespace weir::jobs
