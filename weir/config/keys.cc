#include "weir/config/keys.h"

#include <cmath>

#include "weir/base/text.h"

namespace weir::config {

std::string PlainNumber(double value) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (value == std::trunc(value) && std::abs(value) < kExact) {
    return StrCat(static_cast<std::int64_t>(value));
  }
  return StrCat(value);
}

std::string PlainSeconds(Duration time) {
  constexpr double kNanos = 1e9;
  return StrCat(static_cast<double>(time.count()) / kNanos);
}

}  // namespace weir::config
