#pragma once

// SQLite: one connection, its prepared statements, its transactions, and its failures in our words.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "weir/base/clock.h"
#include "weir/base/result.h"

struct sqlite3_stmt;

namespace weir::store {

struct SqliteOptions {
  bool create = true;                            // makes the file when there is none
  Duration patience = std::chrono::seconds(30);  // how long a lock of somebody else is waited for
  int cache_kib = 16 << 10;                      // of pages, in memory
};

// What a commit waits for. Both survive any death of the process, and neither tears the file.
enum class SqliteSync : std::uint8_t {
  kNormal,  // a power cut may take back what was committed last
  kFull,    // on the disk
};

// An argument of a statement. Text is borrowed.
class SqliteValue {
 public:
  SqliteValue(std::nullopt_t) {}
  SqliteValue(int value) : value_(std::int64_t{value}) {}
  SqliteValue(std::int64_t value) : value_(value) {}
  SqliteValue(double value) : value_(value) {}
  SqliteValue(std::string_view text) : value_(text) {}
  SqliteValue(const std::string& text) : value_(std::string_view(text)) {}
  SqliteValue(const char* text) : value_(std::string_view(text)) {}
  template <class T>
  SqliteValue(const std::optional<T>& value) {
    if (value) *this = SqliteValue(*value);
  }

 private:
  friend class SqliteQuery;
  std::variant<std::monostate, std::int64_t, double, std::string_view> value_;
};

class Sqlite;

// A statement with its arguments, whose text it borrows until it is bound again or destroyed. A
// failure to prepare or to bind is told by the first step.
class SqliteQuery {
 public:
  SqliteQuery(const SqliteQuery&) = delete;
  SqliteQuery& operator=(const SqliteQuery&) = delete;
  ~SqliteQuery();

  void Bind(std::initializer_list<SqliteValue> values);
  Result<bool> Next();  // whether there is one more row
  // Binds, and runs to the end; rows are dropped.
  Result<void> Run(std::initializer_list<SqliteValue> values);

  // Columns of the row, from 0. What Text() returns lives until the next step.
  std::int64_t Int(int column) const;
  double Real(int column) const;
  std::string_view Text(int column) const;
  bool IsNull(int column) const;

 private:
  friend class Sqlite;
  SqliteQuery(Sqlite& db, sqlite3_stmt* statement, int prepared,
              std::initializer_list<SqliteValue> values);

  Sqlite& db_;
  sqlite3_stmt* statement_;  // null: could not be prepared
  int failure_;              // of that, or of binding
};

// A connection to a database in a file, with a write-ahead log beside it. One thread at a time; any
// number of connections, in one process or in several of one machine.
class Sqlite {
 public:
  // Fails with kIoError, also when the file is no database.
  static Result<Sqlite> Open(const std::string& path, const SqliteOptions& options);

  Sqlite(Sqlite&&) noexcept;
  Sqlite& operator=(Sqlite&&) noexcept;
  ~Sqlite();

  // Statements without arguments; their rows are dropped.
  Result<void> Execute(const std::string& sql);
  // The statement is prepared once and kept. At most one query of the same text at a time.
  SqliteQuery Query(std::string_view sql, std::initializer_list<SqliteValue> values = {});
  Result<void> Run(std::string_view sql, std::initializer_list<SqliteValue> values);

  std::int64_t changes() const;  // rows that the last statement changed
  // Changes when somebody else has committed.
  Result<std::int64_t> DataVersion();

  const std::string& path() const;

 private:
  friend class SqliteQuery;
  friend class SqliteTransaction;
  class Core;
  explicit Sqlite(std::unique_ptr<Core> core);
  std::unexpected<Error> Failed(int code) const;

  std::unique_ptr<Core> core_;
};

// From Begin() to Commit(); destroyed before, nothing has happened.
class SqliteTransaction {
 public:
  // For writing: it has the only lock there is, so that nothing in it meets another's.
  static Result<SqliteTransaction> Begin(Sqlite& db, SqliteSync sync);

  SqliteTransaction(SqliteTransaction&& other) noexcept;
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();

  Result<void> Commit();

 private:
  explicit SqliteTransaction(Sqlite& db) : db_(&db) {}

  Sqlite* db_;  // null: over
};

}  // namespace weir::store
