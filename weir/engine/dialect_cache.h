#pragma once

// What one server understands: fixed by its kind or its configuration, or asked of the server the
// first time that a call depends on it, and then remembered for a while.

#include <mutex>
#include <optional>

#include "weir/async/semaphore.h"
#include "weir/engine/adapter.h"
#include "weir/engine/upstream.h"

namespace weir::engine {

class DialectCache {
 public:
  // `adapter` and `upstream` must outlive the cache.
  DialectCache(const Adapter& adapter, Upstream& upstream);

  // What is known now, or else nothing: assumed() serves calls that mean the same to all versions.
  std::optional<wire::Dialect> Known(TimePoint now) const;
  const wire::Dialect& assumed() const { return assumed_; }
  // In the server's own words; empty: it was not asked, or does not tell.
  std::string Version() const;

  // Asks the server; callers at the same time share the answer. A server that does not tell its
  // version is asked for what it shows of it (its /openapi.json, the shape of its errors), and
  // counts as the latest when it shows nothing; so does, for half a second, one that a gateway
  // hides. Fails only when it cannot be reached.
  // Event: "engine.dialect".
  async::Task<Result<wire::Dialect>> Ask(async::Context ctx);

 private:
  async::Task<wire::Dialect> Infer(async::Context ctx);
  wire::Dialect Remember(const async::Context& ctx, wire::Dialect dialect, std::string version,
                         std::string_view otherwise);
  // How the last question ended, if it has just failed.
  std::optional<Error> RecentFailure(TimePoint now) const;

  const Adapter& adapter_;
  Upstream& upstream_;
  const wire::Dialect assumed_;
  const bool fixed_;
  async::Semaphore gate_;     // one question at a time
  mutable std::mutex mutex_;  // guards what follows
  std::optional<wire::Dialect> known_;
  std::string version_;
  TimePoint until_{};
  std::optional<Error> failure_;
  TimePoint failed_until_{};
};

}  // namespace weir::engine
