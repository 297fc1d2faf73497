#pragma once

// The door of a worker for those who watch it: /metrics, /healthz, /readyz.

#include <set>
#include <string>
#include <utility>

#include "weir/events/metrics.h"
#include "weir/http/server.h"
#include "weir/jobs/queue.h"
#include "weir/jobs/worker.h"

namespace weir::cli {

class JobsMetrics final : public http::Handler {
 public:
  // All of them outlive it, and the worker lives on the loop that serves this. `registry` has the
  // figures of calls already.
  JobsMetrics(jobs::JobStore& store, const jobs::Worker& worker, events::MetricsRegistry& registry)
      : store_(store), worker_(worker), registry_(registry) {}

  async::Task<void> Handle(http::Exchange& exchange) override;

 private:
  async::Task<void> ReadStore(async::Context ctx);
  void TakeFigures();
  void ShowStandIns();
  void Raise(std::string_view name, std::string_view help, const events::Labels& labels,
             std::uint64_t value);

  jobs::JobStore& store_;
  const jobs::Worker& worker_;
  events::MetricsRegistry& registry_;
  TimePoint fresh_until_{};  // then the store is asked again
  bool reading_ = false;
  std::set<std::pair<std::string, std::string>> stand_ins_;  // those there have been
};

}  // namespace weir::cli
