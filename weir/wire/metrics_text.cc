#include "weir/wire/metrics_text.h"

#include "weir/base/text.h"

namespace weir::wire {

std::optional<double> SeriesValue(std::string_view line, std::string_view series) {
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

}  // namespace weir::wire
