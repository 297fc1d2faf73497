#pragma once

// Connections to one PostgreSQL, and transactions that are tried again when one of them is lost.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/random.h"
#include "weir/base/result.h"
#include "weir/store/postgres.h"

namespace weir::store {

struct PostgresPoolOptions {
  int most = 4;                                  // connections; who finds none free waits for one
  Duration patience = std::chrono::seconds(60);  // how long a lost connection is tried again
  std::string setup;                             // what every connection executes first
  PostgresOptions connection;
};

// Any thread.
class PostgresPool {
 public:
  // Connects to nothing yet.
  static Result<std::unique_ptr<PostgresPool>> Create(std::string url, PostgresPoolOptions options);

  // Runs `work` in a transaction, and that again on another connection when the first is lost or
  // the transaction lost a conflict. Nothing of a failed one is there, but for one case: its answer
  // was lost on the way back from the commit. So `work` has to be one that may be done twice; when
  // it is called again after it had returned success, that is the case.
  template <class T>
  Result<T> Transact(const std::function<Result<T>(Postgres&)>& work) {
    std::optional<T> value;
    WEIR_CHECK(TransactVoid([&](Postgres& db) -> Result<void> {
      WEIR_TRY(value, work(db));
      return {};
    }));
    return *std::move(value);
  }
  Result<void> TransactVoid(const std::function<Result<void>(Postgres&)>& work);

  // A connection of the caller's own.
  Result<std::unique_ptr<Postgres>> Connect() const;

  const std::string& where() const { return where_; }

 private:
  PostgresPool(std::string url, std::string where, PostgresPoolOptions options);

  Result<std::unique_ptr<Postgres>> Take(TimePoint give_up);
  void PutBack(std::unique_ptr<Postgres> connection);
  Result<void> Once(const std::function<Result<void>(Postgres&)>& work, TimePoint give_up,
                    bool& at_once);

  const std::string url_;
  const std::string where_;
  const PostgresPoolOptions options_;
  const SystemClock clock_;

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<Postgres>> idle_;
  int out_ = 0;
  Random random_ = Random::FromSystem();
};

}  // namespace weir::store
