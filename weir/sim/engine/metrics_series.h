#pragma once

// The series behind sim::Metrics: which there are, by version of the server that is played.

#include <array>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/events/metrics.h"
#include "weir/sim/engine/metrics.h"

namespace weir::sim {

// Null is what this version does not have.
struct Metrics::Series {
  using Counter = events::Counter;
  using Gauge = events::Gauge;
  using Histogram = events::Histogram;
  using Labels = events::Labels;
  using Version = wire::Version;

  explicit Series(MetricsOptions its_options);

  Counter* NewCounter(std::string_view name, std::string_view help, Version since = {},
                      const Labels& extra = {});
  Gauge* NewGauge(std::string_view name, std::string_view help, const Labels& extra = {});
  Histogram* NewHistogram(std::string_view name, std::string_view help,
                          std::span<const double> bounds, Version since = {});
  void NewGauges();
  void NewCounters();
  void NewTokenHistograms();
  void NewTimeHistograms();
  void NewCacheInfo();
  bool Has(Version since) const { return options.dialect.version >= since; }
  Labels With(const Labels& extra) const;

  struct Http {
    Counter* requests = nullptr;
    Histogram* time = nullptr;
  };
  // Any thread. Known ones are found without building their labels.
  Http HttpOf(std::string_view handler, std::string_view method, int hundreds);

  const MetricsOptions options;
  events::MetricsRegistry registry;

  Gauge* running;
  Gauge* waiting;
  Gauge* waiting_capacity = nullptr;
  Gauge* waiting_deferred = nullptr;
  std::array<Gauge*, 3> sleep_states{};
  Gauge* cache_usage;
  Gauge* old_cache_usage = nullptr;

  Counter* prefix_queries;
  Counter* prefix_hits;
  Counter* old_prefix_queries = nullptr;
  Counter* old_prefix_hits = nullptr;
  Counter* preemptions;
  Counter* prompt_tokens;
  Counter* prompt_computed;
  Counter* prompt_hit;
  Counter* prompt_cached;
  Counter* generation_tokens;
  std::array<Counter*, 5> ended{};  // by Ended

  Histogram* request_prompt_tokens;
  Histogram* request_generation_tokens;
  Histogram* step_tokens;
  Histogram* longest_sequence;
  Histogram* params_n;
  Histogram* params_max_tokens;
  Histogram* prefill_computed;
  Histogram* ttft;
  Histogram* token_time = nullptr;
  Histogram* old_token_time = nullptr;
  Histogram* request_token_time;
  Histogram* e2e;
  Histogram* queue_time;
  Histogram* inference_time;
  Histogram* prefill_time;
  Histogram* decode_time;

  struct NamedHttp {
    std::string handler;
    std::string method;
    int hundreds;  // of the status
    Http series;
  };
  std::mutex http_mutex;
  std::vector<NamedHttp> http;
};

}  // namespace weir::sim
