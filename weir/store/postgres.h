#pragma once

// PostgreSQL: one connection, its prepared statements, and its failures in our words. Nothing in
// here waits without an end: a network that is dead costs a deadline, not a thread.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"

struct pg_result;

namespace weir::store {

struct Libpq;

struct PostgresOptions {
  Duration connect = std::chrono::seconds(10);    // how long a connection may take
  Duration statement = std::chrono::seconds(30);  // and a statement
  std::string library = "libpq.so.5";             // as the dynamic linker finds it
};

// The arguments of a statement: $1, $2, ... in the order in which they are added. The types are
// PostgreSQL's bigint, float8, text and arrays of them.
class PostgresArgs {
 public:
  PostgresArgs& Int(std::optional<std::int64_t> value);
  PostgresArgs& Real(std::optional<double> value);
  PostgresArgs& Text(std::string_view value);
  PostgresArgs& Ints(std::span<const std::int64_t> values);
  PostgresArgs& Ints(std::span<const std::optional<std::int64_t>> values);
  PostgresArgs& Texts(std::span<const std::string_view> values);

 private:
  friend class Postgres;
  struct Value {
    unsigned type = 0;
    bool null = false;
    std::string bytes;
  };
  std::string& Add(unsigned type);

  std::vector<Value> values_;
};

// What a statement gave.
class PostgresRows {
 public:
  int size() const;
  // `Int` is for bigint, `Real` for float8, `Text` for text: what the statement selects has to be
  // cast to one of them. Texts live as long as the rows.
  std::int64_t Int(int row, int column) const;
  double Real(int row, int column) const;
  std::string_view Text(int row, int column) const;
  bool IsNull(int row, int column) const;
  std::int64_t changed() const;  // rows that the statement wrote

 private:
  friend class Postgres;
  std::shared_ptr<const pg_result> result_;
  std::shared_ptr<const Libpq> library_;
};

// One connection. One thread at a time.
//
// Failures are kConnectionError when the same may succeed later, on this connection or, if it is
// broken(), on another: it was lost, the server is starting or stopping or has become a standby, a
// deadlock or a conflict was resolved against us. kConfigError when somebody has to change
// something (a password, a database), kIoError when the server's disk failed, and kInvalidRequest,
// of statements only, when the server does not take their values.
class Postgres {
 public:
  static Result<std::unique_ptr<Postgres>> Connect(const std::string& url,
                                                   const PostgresOptions& options);
  // "postgres://user@host:5432/database": without the password, for messages. Fails with
  // kConfigError when the URL cannot be read.
  static Result<std::string> Describe(const std::string& url, const PostgresOptions& options);

  Postgres(const Postgres&) = delete;
  Postgres& operator=(const Postgres&) = delete;
  ~Postgres();

  // The statement is prepared once and kept.
  Result<PostgresRows> Run(std::string_view sql, const PostgresArgs& args = {});
  // Any number of statements, without arguments or rows.
  Result<void> Execute(const std::string& script, std::optional<Duration> deadline = {});

  bool broken() const;          // nothing more comes of it
  bool in_transaction() const;  // one that was begun is not over

  // Of a connection that listens: what to poll for reading, and whether somebody has notified it
  // since the last call.
  int socket() const;
  Result<bool> Notified();

 private:
  class Core;
  explicit Postgres(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace weir::store
