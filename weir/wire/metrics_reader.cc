#include "weir/wire/metrics_reader.h"

#include <cmath>

#include "weir/base/text.h"
#include "weir/wire/metrics_text.h"

namespace weir::wire {
namespace {

struct Sums {
  std::optional<double> queries;
  std::optional<double> hits;

  static void Add(std::optional<double> value, std::optional<double>& sum) {
    if (value) sum = sum.value_or(0) + *value;
  }
  std::optional<PrefixStats> Both() const {
    if (!queries || !hits || !std::isfinite(*queries) || !std::isfinite(*hits)) return std::nullopt;
    return PrefixStats{.queries = *queries, .hits = *hits};
  }
};

}  // namespace

std::optional<double> PrefixStats::hit_rate() const {
  if (queries <= 0) return std::nullopt;
  return hits / queries;
}

PrefixStats Since(const PrefixStats& before, const PrefixStats& after) {
  if (after.queries < before.queries || after.hits < before.hits) return after;
  return {.queries = after.queries - before.queries, .hits = after.hits - before.hits};
}

std::optional<PrefixStats> ReadPrefixStats(std::string_view metrics) {
  Sums now;
  Sums older;
  for (const std::string_view line : Split(metrics, '\n')) {
    if (!line.starts_with("vllm:")) continue;
    Sums::Add(SeriesValue(line, "vllm:prefix_cache_queries"), now.queries);
    Sums::Add(SeriesValue(line, "vllm:prefix_cache_hits"), now.hits);
    Sums::Add(SeriesValue(line, "vllm:gpu_prefix_cache_queries"), older.queries);
    Sums::Add(SeriesValue(line, "vllm:gpu_prefix_cache_hits"), older.hits);
  }
  const std::optional<PrefixStats> found = now.Both();
  return found ? found : older.Both();
}

}  // namespace weir::wire
