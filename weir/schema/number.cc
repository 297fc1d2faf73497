#include "weir/schema/number.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include "weir/base/result.h"

namespace weir::schema {
namespace {

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

// The value is digits * 10^exponent; the first and the last digit are not zero.
struct Decimal {
  bool negative = false;
  std::string_view digits;  // may hold one dot; empty for zero
  std::int64_t count = 0;   // digits without the dot
  std::int64_t exponent = 0;
};

// Exponents beyond every sensible number are cut there: they keep their order against all others.
std::int64_t ReadExponent(std::string_view text) {
  constexpr std::int64_t kFar = std::int64_t{1} << 60;
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t shift = 0;
  const std::errc error = std::from_chars(text.data(), text.data() + text.size(), shift).ec;
  if (error != std::errc()) return text.starts_with('-') ? -kFar : kFar;
  return std::clamp(shift, -kFar, kFar);
}

Decimal ToDecimal(std::string_view number) {
  Decimal out;
  if (number.starts_with('-')) {
    out.negative = true;
    number.remove_prefix(1);
  }
  const std::size_t end = std::min(number.find_first_of("eE"), number.size());
  const std::string_view mantissa = number.substr(0, end);
  const std::size_t first = mantissa.find_first_not_of("0.");
  if (first == mantissa.npos) return Decimal();
  const std::size_t last = mantissa.find_last_not_of("0.");
  const std::size_t dot = std::min(mantissa.find('.'), mantissa.size());

  out.digits = mantissa.substr(first, last + 1 - first);
  const bool dot_inside = first < dot && dot < last;
  out.count = static_cast<std::int64_t>(out.digits.size()) - (dot_inside ? 1 : 0);
  out.exponent = static_cast<std::int64_t>(dot) - static_cast<std::int64_t>(last);
  if (last < dot) --out.exponent;
  if (end < number.size()) out.exponent += ReadExponent(number.substr(end + 1));
  return out;
}

int CompareMagnitudes(const Decimal& a, const Decimal& b) {
  const std::int64_t a_point = a.count + a.exponent;
  const std::int64_t b_point = b.count + b.exponent;
  if (a_point != b_point) return a_point < b_point ? -1 : 1;
  std::size_t i = 0;
  std::size_t j = 0;
  for (;; ++i, ++j) {
    if (i < a.digits.size() && a.digits[i] == '.') ++i;
    if (j < b.digits.size() && b.digits[j] == '.') ++j;
    if (i >= a.digits.size() || j >= b.digits.size()) break;
    if (a.digits[i] != b.digits[j]) return a.digits[i] < b.digits[j] ? -1 : 1;
  }
  if (i < a.digits.size()) return 1;
  return j < b.digits.size() ? -1 : 0;
}

int SignOf(const Decimal& decimal) {
  if (decimal.digits.empty()) return 0;
  return decimal.negative ? -1 : 1;
}

int CompareExactly(const Decimal& a, const Decimal& b) {
  if (SignOf(a) != SignOf(b)) return SignOf(a) < SignOf(b) ? -1 : 1;
  if (SignOf(a) == 0) return 0;
  return a.negative ? CompareMagnitudes(b, a) : CompareMagnitudes(a, b);
}

// A natural number, lowest word first, just large enough for long division by hand.
class Natural {
 public:
  void PushDigit(unsigned digit) {  // times ten, plus digit
    std::uint64_t carry = digit;
    for (std::uint32_t& word : words_) {
      carry += std::uint64_t{word} * 10;
      word = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry != 0) words_.push_back(static_cast<std::uint32_t>(carry));
  }

  bool IsZero() const { return words_.empty(); }

  // Afterwards this is below `divisor`; before, it must be below ten times that.
  void Reduce(const Natural& divisor) {
    while (!Below(divisor)) Subtract(divisor);
  }

 private:
  bool Below(const Natural& other) const {
    if (words_.size() != other.words_.size()) return words_.size() < other.words_.size();
    return std::lexicographical_compare(words_.rbegin(), words_.rend(), other.words_.rbegin(),
                                        other.words_.rend());
  }

  void Subtract(const Natural& other) {
    std::int64_t borrow = 0;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      borrow += words_[i];
      if (i < other.words_.size()) borrow -= other.words_[i];
      words_[i] = static_cast<std::uint32_t>(borrow);
      borrow >>= 32;
    }
    while (!words_.empty() && words_.back() == 0) words_.pop_back();
  }

  std::vector<std::uint32_t> words_;
};

template <class Visit>
void ForEachDigit(const Decimal& decimal, Visit visit) {
  for (const char c : decimal.digits) {
    if (c != '.') visit(static_cast<unsigned>(c - '0'));
  }
}

bool IsMultipleExactly(const Decimal& value, const Decimal& divisor) {
  if (value.digits.empty()) return true;
  // The digits end in no zero, so a divisor that needs one more factor of ten cannot divide them.
  if (value.exponent < divisor.exponent) return false;
  // A factor of ten helps only against the twos and fives of the divisor, and it has fewer of each
  // than four per digit.
  const std::int64_t zeros = std::min(value.exponent - divisor.exponent, divisor.count * 4);
  if (divisor.count <= static_cast<std::int64_t>(kSmallDigits)) {
    std::uint64_t small = 0;
    ForEachDigit(divisor, [&](unsigned digit) { small = small * 10 + digit; });
    std::uint64_t rest = 0;
    // Ten times a rest of 18 digits still fits.
    const auto push = [&](unsigned digit) { rest = (rest * 10 + digit) % small; };
    ForEachDigit(value, push);
    for (std::int64_t i = 0; i < zeros; ++i) push(0);
    return rest == 0;
  }
  Natural large;
  ForEachDigit(divisor, [&](unsigned digit) { large.PushDigit(digit); });
  Natural rest;
  const auto push = [&](unsigned digit) {
    rest.PushDigit(digit);
    rest.Reduce(large);
  };
  ForEachDigit(value, push);
  for (std::int64_t i = 0; i < zeros; ++i) push(0);
  return rest.IsZero();
}

}  // namespace

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

bool Operand::IsInteger() const {
  if (!small.exists) return schema::IsInteger(text);
  return small.scale == 0 || small.mantissa % kPowers[small.scale] == 0;
}

int Compare(const Operand& value, const Bound& bound) {
  const SmallNumber& a = value.small;
  const SmallNumber& b = bound.small;
  if (!a.exists || !b.exists) return CompareExactly(ToDecimal(value.text), ToDecimal(bound.text));
  const auto order = [](auto x, auto y) { return x < y ? -1 : static_cast<int>(x > y); };
  if (a.scale == b.scale || b.mantissa == 0) return order(a.mantissa, b.mantissa);
  return order(Wide{a.mantissa} * kPowers[b.scale], Wide{b.mantissa} * kPowers[a.scale]);
}

bool IsMultiple(const Operand& value, const Bound& divisor) {
  const SmallNumber& a = value.small;
  const SmallNumber& b = divisor.small;
  if (!a.exists || !b.exists) {
    return IsMultipleExactly(ToDecimal(value.text), ToDecimal(divisor.text));
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
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (std::ranges::all_of(number.substr(1), is_digit)) return true;
  return ToDecimal(number).exponent >= 0;
}

int Sign(std::string_view number) { return SignOf(ToDecimal(number)); }

std::uint64_t HashNumber(std::string_view number) {
  const Decimal decimal = ToDecimal(number);
  constexpr std::uint64_t kPrime = 0x100000001B3;
  std::uint64_t hash = decimal.negative ? 1 : 0;
  ForEachDigit(decimal, [&hash](unsigned digit) { hash = (hash + digit) * kPrime; });
  return (hash ^ static_cast<std::uint64_t>(decimal.exponent)) * kPrime;
}

}  // namespace weir::schema
