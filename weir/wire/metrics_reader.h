#pragma once

// What a server's /metrics tell of its prefix cache, in the text format of Prometheus.

#include <optional>
#include <string_view>

namespace weir::wire {

// Counted since the server began, in tokens, over all its engines and models.
struct PrefixStats {
  double queries = 0;  // prompt tokens that were looked up
  double hits = 0;     // ... and were there

  // hits / queries; unset when nothing was asked.
  std::optional<double> hit_rate() const;

  friend bool operator==(const PrefixStats&, const PrefixStats&) = default;
};

// What happened between two readings. A counter that is lower than before belongs to a server that
// has begun anew: all of it is new.
PrefixStats Since(const PrefixStats& before, const PrefixStats& after);

// vllm:prefix_cache_queries_total and _hits_total, or their older names (vllm:gpu_prefix_cache_...,
// up to 0.11), where the newer are not there; series of several engines are added up. Unset when
// the text has neither: another server, or one with --disable-log-stats. Lines that cannot be read
// are skipped.
std::optional<PrefixStats> ReadPrefixStats(std::string_view metrics);

}  // namespace weir::wire
