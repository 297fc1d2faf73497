#include "weir/wire/metrics_reader.h"

#include <cmath>

#include "weir/base/text.h"

namespace weir::wire {
namespace {

// The value of a line `name{labels} value [timestamp]` if it is of this series. A text exposition
// by another library may leave the suffix `_total` away.
std::optional<double> ValueOf(std::string_view line, std::string_view series) {
  if (!line.starts_with(series)) return std::nullopt;
  line.remove_prefix(series.size());
  constexpr std::string_view kSuffix = "_total";
  if (line.starts_with(kSuffix)) line.remove_prefix(kSuffix.size());
  if (line.starts_with('{')) {
    // Values of labels may hold braces, and quotation marks behind a backslash.
    bool quoted = false;
    std::size_t i = 1;
    for (; i < line.size() && (quoted || line[i] != '}'); ++i) {
      if (line[i] == '\\') {
        ++i;
      } else if (line[i] == '"') {
        quoted = !quoted;
      }
    }
    if (i >= line.size()) return std::nullopt;
    line.remove_prefix(i + 1);
  } else if (!line.starts_with(' ') && !line.starts_with('\t')) {
    return std::nullopt;
  }
  line = Trim(line);
  const std::optional<double> value = ParseDouble(line.substr(0, line.find_first_of(" \t")));
  if (!value || *value < 0) return std::nullopt;
  return value;
}

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
    Sums::Add(ValueOf(line, "vllm:prefix_cache_queries"), now.queries);
    Sums::Add(ValueOf(line, "vllm:prefix_cache_hits"), now.hits);
    Sums::Add(ValueOf(line, "vllm:gpu_prefix_cache_queries"), older.queries);
    Sums::Add(ValueOf(line, "vllm:gpu_prefix_cache_hits"), older.hits);
  }
  const std::optional<PrefixStats> found = now.Both();
  return found ? found : older.Both();
}

}  // namespace weir::wire
