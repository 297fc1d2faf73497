#pragma once

// A number text taken apart: sign, digits and a power of ten. Everything exact is done on this
// form.

#include <cstdint>
#include <string_view>

namespace weir::json::internal {

// The value is digits * 10^exponent; the first and the last digit are not zero, so equal values
// have equal forms.
struct Decimal {
  bool negative = false;
  std::string_view digits;  // may hold one dot; empty for zero
  std::int64_t count = 0;   // digits without the dot
  // Exponents beyond every sensible number are cut off: they keep their order against all others.
  std::int64_t exponent = 0;
  bool cut = false;  // this one was

  // Of the dot in front of which all digits would stand: 0.digits * 10^point.
  std::int64_t point() const { return count + exponent; }
};

// `number` must be a JSON number.
Decimal ToDecimal(std::string_view number);

// Negative, zero or positive, as `a` is below, at or above `b`.
int Compare(const Decimal& a, const Decimal& b);

int Sign(const Decimal& decimal);  // -1, 0, 1

// Whether value / divisor is an integer; `divisor` is not zero. The time grows with the digits of
// both, not with their exponents.
bool IsMultiple(const Decimal& value, const Decimal& divisor);

template <class Visit>
void ForEachDigit(const Decimal& decimal, Visit visit) {
  for (const char c : decimal.digits) {
    if (c != '.') visit(static_cast<unsigned>(c - '0'));
  }
}

}  // namespace weir::json::internal
