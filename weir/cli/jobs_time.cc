#include "weir/cli/jobs_time.h"

#include <chrono>
#include <optional>
#include <string>

#include "weir/base/text.h"

namespace weir::cli {
namespace {

constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kLongest = 36'525 * kDay;

// Takes texts apart from their beginning.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool done() const { return rest_.empty(); }
  char next() const { return rest_.empty() ? '\0' : rest_.front(); }

  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  // A number of `least` to `most` digits.
  std::optional<std::int64_t> Number(std::size_t least, std::size_t most) {
    std::size_t digits = 0;
    while (digits < rest_.size() && digits < most && IsDigit(rest_[digits])) ++digits;
    if (digits < least) return std::nullopt;
    const std::optional<std::int64_t> number = ParseInt(rest_.substr(0, digits));
    rest_.remove_prefix(digits);
    return number;
  }

 private:
  std::string_view rest_;
};

std::optional<std::int64_t> TakeUnit(Cursor& cursor) {
  if (cursor.Take("ms")) return 1;
  if (cursor.Take("s")) return kSecond;
  if (cursor.Take("m")) return kMinute;
  if (cursor.Take("h")) return kHour;
  if (cursor.Take("d")) return kDay;
  if (cursor.Take("w")) return 7 * kDay;
  return std::nullopt;
}

std::optional<std::int64_t> SpanOf(std::string_view text) {
  constexpr std::size_t kDigits = 13;
  Cursor cursor(text);
  std::int64_t sum = 0;
  do {
    const std::optional<std::int64_t> count = cursor.Number(1, kDigits);
    if (!count) return std::nullopt;
    const std::optional<std::int64_t> unit = TakeUnit(cursor);
    if (!unit || *count > kLongest / *unit) return std::nullopt;
    sum += *count * *unit;
    if (sum > kLongest) return std::nullopt;
  } while (!cursor.done());
  return sum;
}

// Milliseconds of a day.
std::optional<std::int64_t> TakeTime(Cursor& cursor) {
  const std::optional<std::int64_t> hour = cursor.Number(2, 2);
  if (!hour || *hour > 23 || !cursor.Take(":")) return std::nullopt;
  const std::optional<std::int64_t> minute = cursor.Number(2, 2);
  if (!minute || *minute > 59) return std::nullopt;
  std::int64_t time = *hour * kHour + *minute * kMinute;
  if (!cursor.Take(":")) return time;
  const std::optional<std::int64_t> second = cursor.Number(2, 2);
  if (!second || *second > 59) return std::nullopt;
  time += *second * kSecond;
  if (!cursor.Take(".")) return time;
  if (!IsDigit(cursor.next())) return std::nullopt;
  for (std::int64_t worth = kSecond / 10; IsDigit(cursor.next()); worth /= 10) {
    time += *cursor.Number(1, 1) * worth;
  }
  return time;
}

// What UTC is behind the time that stands there.
std::optional<std::int64_t> TakeZone(Cursor& cursor) {
  if (cursor.done() || cursor.Take("Z")) return 0;
  const std::int64_t sign = cursor.Take("+") ? 1 : cursor.Take("-") ? -1 : 0;
  const std::optional<std::int64_t> hours = cursor.Number(2, 2);
  cursor.Take(":");
  const std::optional<std::int64_t> minutes = cursor.Number(2, 2);
  if (sign == 0 || !hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (*hours * kHour + *minutes * kMinute);
}

std::optional<std::int64_t> DateOf(std::string_view text) {
  Cursor cursor(text);
  const std::optional<std::int64_t> year = cursor.Number(4, 4);
  if (!year || !cursor.Take("-")) return std::nullopt;
  const std::optional<std::int64_t> month = cursor.Number(2, 2);
  if (!month || !cursor.Take("-")) return std::nullopt;
  const std::optional<std::int64_t> day = cursor.Number(2, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day)));
  if (!date.ok()) return std::nullopt;
  const std::int64_t midnight = std::chrono::sys_days(date).time_since_epoch().count() * kDay;
  if (cursor.done()) return midnight;
  if (!cursor.Take("T") && !cursor.Take(" ")) return std::nullopt;
  const std::optional<std::int64_t> time = TakeTime(cursor);
  if (!time) return std::nullopt;
  const std::optional<std::int64_t> zone = TakeZone(cursor);
  if (!zone || !cursor.done()) return std::nullopt;
  return midnight + *time - *zone;
}

}  // namespace

Result<std::int64_t> ParseSpan(std::string_view text) {
  const std::optional<std::int64_t> span = SpanOf(text);
  if (span) return *span;
  return Fail(Code::kConfigError, StrCat("'", Truncate(text, 100),
                                         "' is no length of time; write it as 90s, 10m, 1h30m or "
                                         "7d (ms, s, m, h, d, w), up to a hundred years"));
}

Result<std::int64_t> ParseMoment(std::string_view text, std::int64_t now_ms) {
  if (text.starts_with('+')) {
    WEIR_TRY(const std::int64_t span, ParseSpan(text.substr(1)));
    return now_ms + span;
  }
  const std::optional<std::int64_t> date = DateOf(text);
  if (date) return *date;
  return Fail(Code::kConfigError,
              StrCat("'", Truncate(text, 100),
                     "' is no time; write it as 2026-01-31T23:59:00Z (UTC when no zone follows), "
                     "as 2026-01-31, or as +10m from now"));
}

}  // namespace weir::cli
