#include "weir/json/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <system_error>

#include "weir/base/text.h"
#include "weir/json/decimal.h"

namespace weir::json {
namespace {

using internal::Decimal;
using internal::ToDecimal;

constexpr std::size_t kSmallDigits = 18;
constexpr std::int64_t kPowers[kSmallDigits + 1] = {1,
                                                    10,
                                                    100,
                                                    1'000,
                                                    10'000,
                                                    100'000,
                                                    1'000'000,
                                                    10'000'000,
                                                    100'000'000,
                                                    1'000'000'000,
                                                    10'000'000'000,
                                                    100'000'000'000,
                                                    1'000'000'000'000,
                                                    10'000'000'000'000,
                                                    100'000'000'000'000,
                                                    1'000'000'000'000'000,
                                                    10'000'000'000'000'000,
                                                    100'000'000'000'000'000,
                                                    1'000'000'000'000'000'000};

__extension__ using Wide = __int128;

// Skips digits; false if there were none.
bool SkipDigits(std::string_view& text) {
  const std::string_view before = text;
  while (!text.empty() && IsDigit(text.front())) text.remove_prefix(1);
  return text.size() < before.size();
}

// The absolute value, when it is an integer that fits.
std::optional<std::uint64_t> Magnitude(const Decimal& decimal) {
  if (decimal.exponent < 0 || decimal.point() > 20) return std::nullopt;
  std::uint64_t value = 0;
  bool fits = true;
  const auto push = [&](unsigned digit) {
    fits = fits && !__builtin_mul_overflow(value, std::uint64_t{10}, &value) &&
           !__builtin_add_overflow(value, std::uint64_t{digit}, &value);
  };
  ForEachDigit(decimal, push);
  for (std::int64_t i = 0; i < decimal.exponent; ++i) push(0);
  return fits ? std::optional(value) : std::nullopt;
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
  const Decimal decimal = ToDecimal(number);
  const std::optional<std::uint64_t> magnitude = Magnitude(decimal);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!magnitude || *magnitude > kMax + (decimal.negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(decimal.negative ? 0 - *magnitude : *magnitude);
}

std::optional<std::uint64_t> ToUint64(std::string_view number) {
  const Decimal decimal = ToDecimal(number);
  if (decimal.negative) return std::nullopt;
  return Magnitude(decimal);
}

std::optional<double> ToDouble(std::string_view number) {
  double value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value).ec;
  if (parsed == std::errc()) return std::isfinite(value) ? std::optional(value) : std::nullopt;
  // Out of range: too large or too small? The standard library does not say.
  if (ToDecimal(number).point() >= 0) return std::nullopt;
  return number.front() == '-' ? -0.0 : 0.0;
}

bool SameNumber(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const Decimal left = ToDecimal(a);
  const Decimal right = ToDecimal(b);
  return !left.cut && !right.cut && internal::Compare(left, right) == 0;
}

SmallNumber ToSmall(std::string_view number) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  // Eighteen digits and a dot.
  if (number.size() > kSmallDigits + 1) return {};
  std::uint64_t mantissa = 0;
  std::size_t whole = number.size();
  for (std::size_t i = 0; i < number.size(); ++i) {
    const auto digit = static_cast<unsigned>(number[i] - '0');
    if (digit <= 9) {
      mantissa = mantissa * 10 + digit;
    } else if (number[i] == '.') {
      whole = i;
    } else {
      return {};
    }
  }
  if (mantissa >= static_cast<std::uint64_t>(kPowers[kSmallDigits])) return {};
  const std::size_t scale = whole == number.size() ? 0 : number.size() - whole - 1;
  const auto signed_mantissa = static_cast<std::int64_t>(mantissa);
  return {.mantissa = negative ? -signed_mantissa : signed_mantissa,
          .scale = static_cast<std::uint8_t>(scale),
          .exists = true};
}

Bound MakeBound(std::string_view number) { return {.text = number, .small = ToSmall(number)}; }

bool Operand::HasNoFraction() const {
  if (!small.exists) return json::IsInteger(text);
  return small.scale == 0 || small.mantissa % kPowers[small.scale] == 0;
}

int internal::CompareAny(const Operand& value, const Bound& bound) {
  const SmallNumber& a = value.small;
  const SmallNumber& b = bound.small;
  if (!a.exists || !b.exists) return Compare(ToDecimal(value.text), ToDecimal(bound.text));
  const Wide left = Wide{a.mantissa} * kPowers[b.scale];
  const Wide right = Wide{b.mantissa} * kPowers[a.scale];
  return left < right ? -1 : static_cast<int>(left > right);
}

bool IsMultiple(const Operand& value, const Bound& divisor) {
  const SmallNumber& a = value.small;
  const SmallNumber& b = divisor.small;
  if (!a.exists || !b.exists) {
    return internal::IsMultiple(ToDecimal(value.text), ToDecimal(divisor.text));
  }
  std::int64_t dividend = 0;
  std::int64_t part = 0;
  if (!__builtin_mul_overflow(a.mantissa, kPowers[b.scale], &dividend) &&
      !__builtin_mul_overflow(b.mantissa, kPowers[a.scale], &part)) {
    return dividend % part == 0;
  }
  return Wide{a.mantissa} * kPowers[b.scale] % (Wide{b.mantissa} * kPowers[a.scale]) == 0;
}

bool IsInteger(std::string_view number) {
  if (std::ranges::all_of(number.substr(1), IsDigit)) return true;
  return ToDecimal(number).exponent >= 0;
}

int Sign(std::string_view number) { return internal::Sign(ToDecimal(number)); }

std::uint64_t HashNumber(std::string_view number) {
  const Decimal decimal = ToDecimal(number);
  constexpr std::uint64_t kPrime = 0x100000001B3;
  std::uint64_t hash = decimal.negative ? 1 : 0;
  ForEachDigit(decimal, [&hash](unsigned digit) { hash = (hash + digit) * kPrime; });
  return (hash ^ static_cast<std::uint64_t>(decimal.exponent)) * kPrime;
}

}  // namespace weir::json
