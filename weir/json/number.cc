#include "weir/json/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace weir::json {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Skips digits; false if there were none.
bool SkipDigits(std::string_view& text) {
  const std::string_view before = text;
  while (!text.empty() && IsDigit(text.front())) text.remove_prefix(1);
  return text.size() < before.size();
}

// A number as sign, digits and a power of ten: value = 0.D1D2D3... * 10^point. D1 and the last
// digit are not zero, so equal values have equal forms; the dot, if any, is skipped on reading.
struct Decimal {
  bool negative = false;
  std::string_view digits;  // may hold one dot; empty for zero
  std::size_t count = 0;    // digits without the dot
  std::int64_t point = 0;
};

// Nullopt when the exponent is beyond every sensible number.
std::optional<Decimal> Split(std::string_view number) {
  Decimal out;
  if (number.front() == '-') {
    out.negative = true;
    number.remove_prefix(1);
  }
  const std::size_t mantissa_end = std::min(number.find_first_of("eE"), number.size());
  std::string_view exponent = number.substr(mantissa_end);
  std::string_view mantissa = number.substr(0, mantissa_end);
  const std::size_t dot = std::min(mantissa.find('.'), mantissa.size());

  const std::size_t first = mantissa.find_first_not_of("0.");
  if (first == mantissa.npos) return Decimal();
  const std::size_t last = mantissa.find_last_not_of("0.");
  out.digits = mantissa.substr(first, last + 1 - first);
  out.count = out.digits.size() - (first < dot && dot < last ? 1 : 0);
  out.point = static_cast<std::int64_t>(dot) - static_cast<std::int64_t>(first);
  if (first > dot) ++out.point;

  if (!exponent.empty()) {
    exponent.remove_prefix(1);
    if (exponent.front() == '+') exponent.remove_prefix(1);
    std::int64_t shift = 0;
    const auto parsed =
        std::from_chars(exponent.data(), exponent.data() + exponent.size(), shift).ec;
    constexpr std::int64_t kSensible = std::numeric_limits<std::int64_t>::max() / 4;
    if (parsed != std::errc() || shift > kSensible || shift < -kSensible) return std::nullopt;
    out.point += shift;
  }
  return out;
}

// The absolute value, when it is an integer that fits.
std::optional<std::uint64_t> Magnitude(const Decimal& decimal) {
  if (decimal.digits.empty()) return 0;
  const auto count = static_cast<std::int64_t>(decimal.count);
  if (decimal.point < count || decimal.point > 20) return std::nullopt;
  std::uint64_t value = 0;
  const auto push = [&value](std::uint64_t digit) {
    return !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
           !__builtin_add_overflow(value, digit, &value);
  };
  for (const char c : decimal.digits) {
    if (c != '.' && !push(static_cast<std::uint64_t>(c - '0'))) return std::nullopt;
  }
  for (std::int64_t i = count; i < decimal.point; ++i) {
    if (!push(0)) return std::nullopt;
  }
  return value;
}

bool SameDigits(std::string_view a, std::string_view b) {
  std::size_t j = 0;
  for (const char c : a) {
    if (c == '.') continue;
    if (b[j] == '.') ++j;
    if (c != b[j++]) return false;
  }
  return true;
}

}  // namespace

bool IsNumber(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.starts_with('0')) {
    text.remove_prefix(1);
  } else if (!SkipDigits(text)) {
    return false;
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (!SkipDigits(text)) return false;
  }
  if (text.starts_with('e') || text.starts_with('E')) {
    text.remove_prefix(1);
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (!SkipDigits(text)) return false;
  }
  return text.empty();
}

std::optional<std::int64_t> ToInt64(std::string_view number) {
  std::int64_t value = 0;
  const char* const end = number.data() + number.size();
  const auto parsed = std::from_chars(number.data(), end, value);
  if (parsed.ptr == end) {
    if (parsed.ec != std::errc()) return std::nullopt;
    return value;
  }
  const std::optional<Decimal> decimal = Split(number);
  if (!decimal) return std::nullopt;
  const std::optional<std::uint64_t> magnitude = Magnitude(*decimal);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!magnitude || *magnitude > kMax + (decimal->negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(decimal->negative ? 0 - *magnitude : *magnitude);
}

std::optional<std::uint64_t> ToUint64(std::string_view number) {
  const std::optional<Decimal> decimal = Split(number);
  if (!decimal || decimal->negative) return std::nullopt;
  return Magnitude(*decimal);
}

std::optional<double> ToDouble(std::string_view number) {
  double value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value).ec;
  if (parsed == std::errc()) return std::isfinite(value) ? std::optional(value) : std::nullopt;
  // Out of range: too large or too small? The standard library does not say.
  const std::optional<Decimal> decimal = Split(number);
  const bool tiny = decimal ? decimal->point < 0 : number.find('-', 1) != number.npos;
  if (!tiny) return std::nullopt;
  return number.front() == '-' ? -0.0 : 0.0;
}

bool SameNumber(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const std::optional<Decimal> left = Split(a);
  const std::optional<Decimal> right = Split(b);
  if (!left || !right) return false;
  return left->negative == right->negative && left->count == right->count &&
         left->point == right->point && SameDigits(left->digits, right->digits);
}

}  // namespace weir::json
