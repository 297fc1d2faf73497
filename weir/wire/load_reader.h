#pragma once

// What a server's /metrics tell of its work at this moment, in the text format of Prometheus.

#include <optional>
#include <string_view>

#include "weir/wire/metrics_reader.h"

namespace weir::wire {

// Over all engines of one server. What is not told is unset.
struct ServerLoad {
  std::optional<double> running;      // requests that are computed
  std::optional<double> waiting;      // ... and that wait for their turn
  std::optional<double> kv_use;       // part of the KV cache that is taken, 0 to 1: of the fullest
  std::optional<PrefixStats> prefix;  // since the server began

  friend bool operator==(const ServerLoad&, const ServerLoad&) = default;
};

// vllm:num_requests_running and _waiting, vllm:kv_cache_usage_perc (up to 0.10:
// gpu_cache_usage_perc) and the counters of ReadPrefixStats(). Lines that cannot be read are
// skipped.
ServerLoad ReadServerLoad(std::string_view metrics);

}  // namespace weir::wire
