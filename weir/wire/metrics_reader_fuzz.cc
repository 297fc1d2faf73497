// Any bytes: the figures are finite and not negative, the same whatever stands before and behind
// them, and nothing has happened between two equal readings.

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "weir/wire/metrics_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace weir;
  const std::string text(reinterpret_cast<const char*>(bytes), size);
  const std::optional<wire::PrefixStats> stats = wire::ReadPrefixStats(text);
  if (wire::ReadPrefixStats("# HELP x y\nother 1\n" + text + "\n# end") != stats) std::abort();
  if (!stats) return 0;
  if (!std::isfinite(stats->queries) || !std::isfinite(stats->hits)) std::abort();
  if (stats->queries < 0 || stats->hits < 0) std::abort();
  if (wire::Since(*stats, *stats) != wire::PrefixStats{}) std::abort();
  return 0;
}
