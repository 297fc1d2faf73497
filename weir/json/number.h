#pragma once

// What a number text means, exactly: no rounding takes part, whatever the exponent. Everything here
// works on text of the JSON number grammar.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::json {

// Whether `text` is one number of the JSON grammar, with nothing around it.
bool IsNumber(std::string_view text);

// The integer it is, if it is one and fits.
std::optional<std::int64_t> ToInt64(std::string_view number);
std::optional<std::uint64_t> ToUint64(std::string_view number);

// The nearest double, 0 when the number is too small for one; nullopt when it is too large.
std::optional<double> ToDouble(std::string_view number);

// Whether both are the same decimal value, however they are spelled. Of exponents too large for any
// sensible number only the same spelling is the same.
bool SameNumber(std::string_view a, std::string_view b);

// mantissa / 10^scale, for the numbers that are short enough, which nearly all are.
struct SmallNumber {
  std::int64_t mantissa = 0;  // at most 18 digits
  std::uint8_t scale = 0;     // at most 18
  bool exists = false;        // false: an exponent or more digits
};

SmallNumber ToSmall(std::string_view number);

// A number that many others are compared with.
struct Bound {
  std::string_view text;  // as written
  SmallNumber small;

  bool exists() const { return !text.empty(); }
};

// A number to compare or divide.
struct Operand {
  explicit Operand(std::string_view number) : text(number), small(ToSmall(number)) {}

  // Whether it has no fraction.
  bool IsInteger() const { return (small.exists && small.scale == 0) || HasNoFraction(); }

  std::string_view text;
  SmallNumber small;

 private:
  bool HasNoFraction() const;
};

Bound MakeBound(std::string_view number);

namespace internal {
int CompareAny(const Operand& value, const Bound& bound);
}

// Negative, zero or positive, as `value` is below, at or above `bound`.
inline int Compare(const Operand& value, const Bound& bound) {
  const SmallNumber& a = value.small;
  const SmallNumber& b = bound.small;
  if (a.exists && b.exists && (a.scale == b.scale || b.mantissa == 0)) {
    return a.mantissa < b.mantissa ? -1 : static_cast<int>(a.mantissa > b.mantissa);
  }
  return internal::CompareAny(value, bound);
}

// Whether value / divisor is an integer; `divisor` is not zero.
bool IsMultiple(const Operand& value, const Bound& divisor);

// Digits that a divisor may have, so that no division takes long.
inline constexpr std::size_t kMaxDivisorDigits = 1000;

// Whether the number has no fraction: 1, 1.0 and 15e-1 * 10 do not differ by spelling.
bool IsInteger(std::string_view number);

int Sign(std::string_view number);  // -1, 0, 1

// The same for all spellings of one value.
std::uint64_t HashNumber(std::string_view number);

}  // namespace weir::json
