#include "weir/sim/lateness.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::sim {

void Lateness::Add(Duration late) {
  const std::int64_t micros = std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::microseconds>(late).count());
  const auto step = static_cast<std::size_t>(micros / kStepMicros);
  counts_[std::min(step, kSteps - 1)].fetch_add(1, std::memory_order_relaxed);
  std::int64_t most = most_micros_.load(std::memory_order_relaxed);
  while (micros > most && !most_micros_.compare_exchange_weak(most, micros)) {
  }
}

void Lateness::Reset() {
  for (auto& count : counts_) count = 0;
  most_micros_ = 0;
}

std::string Lateness::Json() const {
  std::uint64_t total = 0;
  for (const auto& count : counts_) total += count.load(std::memory_order_relaxed);
  const auto quantile = [&](double share) {
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < kSteps; ++step) {
      seen += counts_[step].load(std::memory_order_relaxed);
      if (static_cast<double>(seen) >= share * static_cast<double>(total) && total > 0) {
        return std::min(static_cast<std::int64_t>(step + 1) * kStepMicros, most_micros_.load());
      }
    }
    return std::int64_t{0};
  };
  return StrCat("{\"tokens\":", total, ",\"p50_us\":", quantile(0.5),
                ",\"p99_us\":", quantile(0.99), ",\"max_us\":", most_micros_.load(), "}");
}

}  // namespace weir::sim
