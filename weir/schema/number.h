#pragma once

// Exact arithmetic on numbers as JSON spells them: no rounding anywhere, whatever the exponent.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::schema {

// mantissa / 10^scale, for the numbers that are short enough, which nearly all are.
struct SmallNumber {
  std::int64_t mantissa = 0;  // at most 18 digits
  std::uint8_t scale = 0;     // at most 18
  bool exists = false;        // false: an exponent or more digits
};

SmallNumber ToSmall(std::string_view number);

// A number of the schema, prepared for comparing with many.
struct Bound {
  std::string_view text;  // as written
  SmallNumber small;

  bool exists() const { return !text.empty(); }
};

// A number of the instance. `text` must be a JSON number.
struct Operand {
  explicit Operand(std::string_view number) : text(number), small(ToSmall(number)) {}

  // Whether it has no fraction.
  bool IsInteger() const;

  std::string_view text;
  SmallNumber small;
};

Bound MakeBound(std::string_view number);

// Negative, zero or positive, as `value` is below, at or above `bound`.
int Compare(const Operand& value, const Bound& bound);

// Whether value / divisor is an integer; `divisor` is not zero.
bool IsMultiple(const Operand& value, const Bound& divisor);

// Digits that a divisor may have, so that no division takes long.
inline constexpr std::size_t kMaxDivisorDigits = 1000;

// Whether the number has no fraction: 1, 1.0 and 15e-1 * 10 do not differ by spelling.
bool IsInteger(std::string_view number);

int Sign(std::string_view number);  // -1, 0, 1

// The same for all spellings of one value.
std::uint64_t HashNumber(std::string_view number);

}  // namespace weir::schema
