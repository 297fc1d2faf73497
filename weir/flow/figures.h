#pragma once

// Figures as people read them, the same on a terminal and in a report.

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/base/clock.h"

namespace weir::flow {

std::string Grouped(std::uint64_t count);  // "1,234,567"
// "1 row", "1,234 rows".
std::string Counted(std::uint64_t count, std::string_view one, std::string_view many);
std::string Compact(double number);    // at most five characters: "0", "4.2", "1,234", "12.3k"
std::string Rate(double per_second);   // "0", "4.2", "12,345"
std::string ShortTime(Duration time);  // "4 s", "3 min 20 s", "1 h 5 min"; whole seconds
std::string Latency(Duration time);    // "850 ms", "1.25 s", "3 min 20 s"
std::string Percent(double part);      // 0.12 is "12 %"; never 100 % before it is all

}  // namespace weir::flow
