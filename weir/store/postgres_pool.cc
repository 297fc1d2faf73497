#include "weir/store/postgres_pool.h"

#include <algorithm>
#include <utility>

#include <poll.h>

#include "weir/base/text.h"

namespace weir::store {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstPause = 50ms;
constexpr Duration kLastPause = 2s;
constexpr Duration kConflictPause = 5ms;

}  // namespace

PostgresPool::PostgresPool(std::string url, std::string where, PostgresPoolOptions options)
    : url_(std::move(url)), where_(std::move(where)), options_(std::move(options)) {}

Result<std::unique_ptr<PostgresPool>> PostgresPool::Create(std::string url,
                                                           PostgresPoolOptions options) {
  WEIR_TRY(std::string where, Postgres::Describe(url, options.connection));
  return std::unique_ptr<PostgresPool>(
      new PostgresPool(std::move(url), std::move(where), std::move(options)));
}

Result<std::unique_ptr<Postgres>> PostgresPool::Connect() const {
  WEIR_TRY(auto connection, Postgres::Connect(url_, options_.connection));
  WEIR_CHECK(connection->Execute(options_.setup));
  return connection;
}

Result<std::unique_ptr<Postgres>> PostgresPool::Take(TimePoint give_up) {
  {
    std::unique_lock lock(mutex_);
    const bool there = returned_.wait_until(
        lock, give_up, [this] { return !idle_.empty() || out_ < options_.most; });
    if (!there) return Fail(Code::kConnectionError, "every connection is in use for too long");
    ++out_;
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  auto connection = Connect();
  if (!connection) PutBack(nullptr);
  return connection;
}

void PostgresPool::PutBack(std::unique_ptr<Postgres> connection) {
  {
    std::scoped_lock lock(mutex_);
    --out_;
    if (connection != nullptr && !connection->broken()) {
      idle_.push_back(std::move(connection));
    } else {
      // A server that stops takes the others with it: they would fail one after the other.
      idle_.clear();
    }
  }
  returned_.notify_one();
}

Result<void> PostgresPool::Once(const std::function<Result<void>(Postgres&)>& work,
                                TimePoint give_up, bool& at_once) {
  at_once = false;
  WEIR_TRY(auto connection, Take(give_up));
  Result<void> done = [&]() -> Result<void> {
    WEIR_CHECK(connection->Run("BEGIN"));
    WEIR_CHECK(work(*connection));
    WEIR_CHECK(connection->Run("COMMIT"));
    return {};
  }();
  if (!done) {
    at_once = !connection->broken();
    if (connection->in_transaction() && !connection->Run("ROLLBACK")) connection.reset();
  }
  PutBack(std::move(connection));
  return done;
}

Result<void> PostgresPool::TransactVoid(const std::function<Result<void>(Postgres&)>& work) {
  const TimePoint give_up = After(clock_.Now(), options_.patience);
  Duration pause = kFirstPause;
  for (;;) {
    bool at_once = false;
    const Result<void> done = Once(work, give_up, at_once);
    if (done) return done;
    if (done.error().code != Code::kConnectionError) return done;
    const Duration left = give_up - clock_.Now();
    if (left <= Duration::zero()) {
      Error error = done.error();
      error.message = StrCat("the store ", where_, " did not answer for ",
                             FormatMillis(options_.patience / 1ms), ": ", error.message,
                             "; see whether its server runs and can be reached");
      return Fail(std::move(error));
    }
    double jitter = 0;
    {
      std::scoped_lock lock(mutex_);
      jitter = 0.5 + random_.Uniform() / 2;
    }
    const Duration wait = at_once ? kConflictPause : pause;
    const double millis = std::min(wait, left) / 1ms * jitter;
    ::poll(nullptr, 0, 1 + static_cast<int>(millis));
    if (!at_once) pause = std::min(pause * 2, kLastPause);
  }
}

}  // namespace weir::store
