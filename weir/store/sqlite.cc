#include "weir/store/sqlite.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include <sqlite3.h>

#include "weir/base/random.h"
#include "weir/base/text.h"

namespace weir::store {
namespace {

// Pages of the log that are written back at once, and the bytes of it that are kept.
constexpr char kPragmas[] =
    "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864; PRAGMA foreign_keys=OFF; "
    "PRAGMA temp_store=MEMORY;";

constexpr char kNothingLost[] = "nothing is lost, make room and go on";

// A quota, or a limit on the size of a file, is told as a write that failed.
std::string WhatToDo(int code, const std::string& path) {
  if (code == SQLITE_IOERR_WRITE) {
    return StrCat("cannot write ", path, ": its disk is full or fails, or a quota is used up; ",
                  kNothingLost);
  }
  switch (code & 0xFF) {
    case SQLITE_FULL:
      return StrCat("the disk is full: cannot write ", path, "; ", kNothingLost);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return StrCat(path, " is locked by another process for too long");
    case SQLITE_CANTOPEN:
      return StrCat("cannot open ", path, "; its folder has to be there and to be writable");
    case SQLITE_READONLY:
      return StrCat("cannot write ", path, ": it, or its folder, is read-only");
    case SQLITE_NOTADB:
      return StrCat(path, " is not an SQLite database");
    case SQLITE_CORRUPT:
      return StrCat(path, " is damaged; `sqlite3 ", path, " .recover` gets out what is left");
    default:
      return StrCat("cannot use ", path);
  }
}

}  // namespace

class Sqlite::Core {
 public:
  Core(std::string path, Duration patience) : path_(std::move(path)), patience_(patience) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() {
    for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }

  // Waits a moment for the lock of another; SQLite's own steps of up to 100 ms starve whoever meets
  // a busy one.
  static int OnBusy(void* core, int count) {
    auto& self = *static_cast<Core*>(core);
    const TimePoint now = self.clock_.Now();
    if (count == 0) self.give_up_ = After(now, self.patience_);
    if (now >= self.give_up_) return 0;
    const std::uint64_t most = std::uint64_t{1} << std::min(count / 4, 4);
    sqlite3_sleep(1 + static_cast<int>(self.random_.Below(most)));
    return 1;
  }

  const std::string path_;
  const Duration patience_;
  sqlite3* db_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
  std::optional<SqliteSync> sync_;
  SystemClock clock_;
  Random random_ = Random::FromSystem();
  TimePoint give_up_;
};

Sqlite::Sqlite(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Sqlite::Sqlite(Sqlite&&) noexcept = default;
Sqlite& Sqlite::operator=(Sqlite&&) noexcept = default;
Sqlite::~Sqlite() = default;

std::unexpected<Error> Sqlite::Failed(int code) const {
  std::string cause = sqlite3_errstr(code);
  if (core_->db_ != nullptr && (sqlite3_errcode(core_->db_) & 0xFF) == (code & 0xFF)) {
    cause = sqlite3_errmsg(core_->db_);
    const int system = sqlite3_system_errno(core_->db_);
    if (system != 0) StrAppend(cause, ": ", std::strerror(system));
  }
  return Fail(Code::kIoError, WhatToDo(code, core_->path_), std::move(cause));
}

Result<Sqlite> Sqlite::Open(const std::string& path, const SqliteOptions& options) {
  Sqlite db(std::make_unique<Core>(path, options.patience));
  Core& core = *db.core_;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (options.create ? SQLITE_OPEN_CREATE : 0);
  const int opened = sqlite3_open_v2(path.c_str(), &core.db_, flags, nullptr);
  if (opened != SQLITE_OK) return db.Failed(opened);
  sqlite3_extended_result_codes(core.db_, 1);
  sqlite3_busy_handler(core.db_, &Core::OnBusy, &core);
  // Two that turn the log on at the same time meet without the handler being asked.
  for (int tries = 0;; ++tries) {
    const Result<void> log = db.Execute("PRAGMA journal_mode=WAL");
    if (log) break;
    if ((sqlite3_errcode(core.db_) & 0xFF) != SQLITE_BUSY || Core::OnBusy(&core, tries) == 0) {
      return Fail(log.error());
    }
  }
  WEIR_CHECK(db.Execute(StrCat(kPragmas, "PRAGMA cache_size=-", options.cache_kib)));
  return db;
}

Result<void> Sqlite::Execute(const std::string& sql) {
  const int code = sqlite3_exec(core_->db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return Failed(code);
  return {};
}

SqliteQuery Sqlite::Query(std::string_view sql, std::initializer_list<SqliteValue> values) {
  sqlite3_stmt*& statement = core_->statements_[std::string(sql)];
  int code = SQLITE_OK;
  if (statement == nullptr) {
    code = sqlite3_prepare_v3(core_->db_, sql.data(), static_cast<int>(sql.size()),
                              SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  return SqliteQuery(*this, statement, code, values);
}

Result<void> Sqlite::Run(std::string_view sql, std::initializer_list<SqliteValue> values) {
  return Query(sql).Run(values);
}

std::int64_t Sqlite::changes() const { return sqlite3_changes64(core_->db_); }
const std::string& Sqlite::path() const { return core_->path_; }

Result<std::int64_t> Sqlite::DataVersion() {
  SqliteQuery query = Query("PRAGMA data_version");
  WEIR_TRY(const bool row, query.Next());
  return row ? query.Int(0) : 0;
}

SqliteQuery::SqliteQuery(Sqlite& db, sqlite3_stmt* statement, int prepared,
                         std::initializer_list<SqliteValue> values)
    : db_(db), statement_(statement), failure_(prepared) {
  Bind(values);
}

SqliteQuery::~SqliteQuery() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);  // its failure is the one that the step has told
  sqlite3_clear_bindings(statement_);
}

void SqliteQuery::Bind(std::initializer_list<SqliteValue> values) {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  failure_ = SQLITE_OK;
  int at = 0;
  for (const SqliteValue& value : values) {
    ++at;
    int code = SQLITE_OK;
    if (const auto* number = std::get_if<std::int64_t>(&value.value_)) {
      code = sqlite3_bind_int64(statement_, at, *number);
    } else if (const auto* real = std::get_if<double>(&value.value_)) {
      code = sqlite3_bind_double(statement_, at, *real);
    } else if (const auto* text = std::get_if<std::string_view>(&value.value_)) {
      code = sqlite3_bind_text64(statement_, at, text->data() == nullptr ? "" : text->data(),
                                 text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else {
      code = sqlite3_bind_null(statement_, at);
    }
    if (failure_ == SQLITE_OK) failure_ = code;
  }
}

Result<bool> SqliteQuery::Next() {
  if (failure_ != SQLITE_OK) return db_.Failed(failure_);
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return db_.Failed(code);
}

Result<void> SqliteQuery::Run(std::initializer_list<SqliteValue> values) {
  Bind(values);
  for (;;) {
    WEIR_TRY(const bool row, Next());
    if (!row) return {};
  }
}

std::int64_t SqliteQuery::Int(int column) const { return sqlite3_column_int64(statement_, column); }
double SqliteQuery::Real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view SqliteQuery::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool SqliteQuery::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<SqliteTransaction> SqliteTransaction::Begin(Sqlite& db, SqliteSync sync) {
  if (db.core_->sync_ != sync) {
    WEIR_CHECK(db.Execute(sync == SqliteSync::kFull ? "PRAGMA synchronous=FULL"
                                                    : "PRAGMA synchronous=NORMAL"));
    db.core_->sync_ = sync;
  }
  WEIR_CHECK(db.Run("BEGIN IMMEDIATE", {}));
  return SqliteTransaction(db);
}

SqliteTransaction::SqliteTransaction(SqliteTransaction&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)) {}

SqliteTransaction::~SqliteTransaction() {
  // A full disk may have rolled it back already.
  if (db_ != nullptr && sqlite3_get_autocommit(db_->core_->db_) == 0) {
    (void)db_->Run("ROLLBACK", {});
  }
}

Result<void> SqliteTransaction::Commit() {
  WEIR_CHECK(db_->Run("COMMIT", {}));
  db_ = nullptr;
  return {};
}

}  // namespace weir::store
