#include "weir/wire/load_reader.h"

#include <algorithm>
#include <cmath>

#include "weir/base/text.h"
#include "weir/wire/metrics_text.h"

namespace weir::wire {
namespace {

void AddTo(std::optional<double>& sum, std::optional<double> value) {
  if (value) sum = sum.value_or(0) + *value;
}

void Raise(std::optional<double>& greatest, std::optional<double> value) {
  if (value) greatest = std::max(greatest.value_or(0), std::min(*value, 1.0));
}

std::optional<double> Finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

}  // namespace

ServerLoad ReadServerLoad(std::string_view metrics) {
  ServerLoad load;
  std::optional<double> older_use;
  for (const std::string_view line : Split(metrics, '\n')) {
    if (!line.starts_with("vllm:")) continue;
    AddTo(load.running, SeriesValue(line, "vllm:num_requests_running"));
    AddTo(load.waiting, SeriesValue(line, "vllm:num_requests_waiting"));
    Raise(load.kv_use, SeriesValue(line, "vllm:kv_cache_usage_perc"));
    Raise(older_use, SeriesValue(line, "vllm:gpu_cache_usage_perc"));
  }
  load.running = Finite(load.running);
  load.waiting = Finite(load.waiting);
  if (!load.kv_use) load.kv_use = older_use;
  load.prefix = ReadPrefixStats(metrics);
  return load;
}

}  // namespace weir::wire
