#include "weir/wire/retry_after.h"

#include <algorithm>

#include "weir/base/clock.h"
#include "weir/base/text.h"

namespace weir::wire {
namespace {

constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// A server cannot make us wait longer than this; more is a mistake.
constexpr std::int64_t kMostSeconds = 7 * 24 * 3600;

// "Sun, 06 Nov 1994 08:49:37 GMT", the one form that servers may send today.
std::optional<std::chrono::sys_seconds> ParseDate(std::string_view text) {
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t length) {
    return ParseInt(text.substr(at, length)).value_or(-1);
  };
  const auto month = std::ranges::find(kMonths, text.substr(8, 3));
  if (month == std::end(kMonths)) return std::nullopt;
  const std::chrono::year_month_day day(
      std::chrono::year(static_cast<int>(number(12, 4))),
      std::chrono::month(static_cast<unsigned>(month - std::begin(kMonths)) + 1),
      std::chrono::day(static_cast<unsigned>(number(5, 2))));
  const std::int64_t hour = number(17, 2);
  const std::int64_t minute = number(20, 2);
  const std::int64_t second = number(23, 2);
  if (!day.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
      second > 60) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace

std::optional<std::chrono::milliseconds> ParseRetryAfter(std::string_view value,
                                                         std::optional<std::int64_t> wall_nanos) {
  value = Trim(value);
  if (value.empty()) return std::nullopt;
  std::chrono::milliseconds wait{};
  if (const std::optional<double> seconds = ParseDouble(value)) {
    if (*seconds < 0) return std::nullopt;
    wait = std::chrono::milliseconds(
        static_cast<std::int64_t>(std::min<double>(*seconds, kMostSeconds) * 1000));
  } else if (const std::optional<std::chrono::sys_seconds> date = ParseDate(value)) {
    const std::int64_t now = wall_nanos ? *wall_nanos : SystemClock().WallNanos();
    wait = std::chrono::duration_cast<std::chrono::milliseconds>(date->time_since_epoch()) -
           std::chrono::milliseconds(now / 1'000'000);
  } else {
    return std::nullopt;
  }
  return std::clamp(wait, std::chrono::milliseconds(0),
                    std::chrono::milliseconds(std::chrono::seconds(kMostSeconds)));
}

}  // namespace weir::wire
