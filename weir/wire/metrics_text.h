#pragma once

// Lines of a page of figures in the text format of Prometheus.

#include <optional>
#include <string_view>

namespace weir::wire {

// The value of a line `name{labels} value [timestamp]` if it is of this series, finite and not
// negative. A text exposition by another library may leave the suffix `_total` away.
std::optional<double> SeriesValue(std::string_view line, std::string_view series);

}  // namespace weir::wire
