#include "weir/flow/figures.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string_view>

#include "weir/base/text.h"

namespace weir::flow {
namespace {

// `number` to three digits, if that leaves something behind the point.
std::string ThreeDigits(double number) {
  const double steps = number < 10 ? 100 : number < 100 ? 10 : 1;
  return StrCat(std::round(number * steps) / steps);
}

}  // namespace

std::string Grouped(std::uint64_t count) {
  std::string text = StrCat(count);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string Counted(std::uint64_t count, std::string_view one, std::string_view many) {
  return StrCat(Grouped(count), " ", count == 1 ? one : many);
}

std::string Compact(double number) {
  constexpr double kWhole = 9999.5;  // from here on, it would be rounded to five digits
  if (!(number > 0)) return "0";
  if (number < 9.95) return StrCat(std::round(number * 10) / 10);
  if (number < kWhole) return Grouped(static_cast<std::uint64_t>(std::llround(number)));
  constexpr std::array<std::string_view, 4> kUnits = {"k", "M", "G", "T"};
  std::size_t unit = 0;
  number /= 1000;
  while (number >= 999.5 && unit + 1 < kUnits.size()) {
    number /= 1000;
    ++unit;
  }
  const double steps = number < 99.95 ? 10 : 1;
  return StrCat(std::round(std::min(number, 9999.0) * steps) / steps, kUnits[unit]);
}

std::string Rate(double per_second) {
  constexpr double kMost = 1e15;
  if (per_second < 9.95) return Compact(per_second);
  return Grouped(static_cast<std::uint64_t>(std::llround(std::min(per_second, kMost))));
}

std::string ShortTime(Duration time) {
  const std::int64_t seconds =
      std::max<std::int64_t>(0, std::chrono::round<std::chrono::seconds>(time).count());
  if (seconds < 60) return StrCat(seconds, " s");
  const std::int64_t minutes = seconds / 60;
  if (minutes < 60) {
    return seconds % 60 == 0 ? StrCat(minutes, " min")
                             : StrCat(minutes, " min ", seconds % 60, " s");
  }
  const std::int64_t hours = minutes / 60;
  return minutes % 60 == 0 ? StrCat(hours, " h") : StrCat(hours, " h ", minutes % 60, " min");
}

std::string Latency(Duration time) {
  const double millis = std::chrono::duration<double, std::milli>(time).count();
  if (millis < 999.5) return StrCat(ThreeDigits(std::max(millis, 0.0)), " ms");
  if (millis < 59'950) return StrCat(ThreeDigits(millis / 1000), " s");
  return ShortTime(time);
}

std::string Percent(double part) {
  const double percent = std::clamp(part, 0.0, 1.0) * 100;
  return StrCat(percent < 100 ? std::min(std::floor(percent), 99.0) : 100.0, " %");
}

}  // namespace weir::flow
