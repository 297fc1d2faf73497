#include "weir/json/decimal.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <system_error>
#include <vector>

namespace weir::json::internal {
namespace {

// Digits of a divisor for which ten times a rest still fits a machine word.
constexpr std::int64_t kWordDigits = 18;

constexpr std::int64_t kFar = std::int64_t{1} << 60;

std::int64_t ReadExponent(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t shift = 0;
  const std::errc error = std::from_chars(text.data(), text.data() + text.size(), shift).ec;
  if (error != std::errc()) return text.starts_with('-') ? -kFar : kFar;
  return std::clamp(shift, -kFar, kFar);
}

int CompareMagnitudes(const Decimal& a, const Decimal& b) {
  if (a.point() != b.point()) return a.point() < b.point() ? -1 : 1;
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

}  // namespace

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
  if (end < number.size()) {
    const std::int64_t shift = ReadExponent(number.substr(end + 1));
    out.cut = shift == kFar || shift == -kFar;
    out.exponent += shift;
  }
  return out;
}

int Sign(const Decimal& decimal) {
  if (decimal.digits.empty()) return 0;
  return decimal.negative ? -1 : 1;
}

int Compare(const Decimal& a, const Decimal& b) {
  if (Sign(a) != Sign(b)) return Sign(a) < Sign(b) ? -1 : 1;
  if (Sign(a) == 0) return 0;
  return a.negative ? CompareMagnitudes(b, a) : CompareMagnitudes(a, b);
}

bool IsMultiple(const Decimal& value, const Decimal& divisor) {
  if (value.digits.empty()) return true;
  // The digits end in no zero, so a divisor that needs one more factor of ten cannot divide them.
  if (value.exponent < divisor.exponent) return false;
  // A factor of ten helps only against the twos and fives of the divisor, and it has fewer of each
  // than four per digit.
  const std::int64_t zeros = std::min(value.exponent - divisor.exponent, divisor.count * 4);
  if (divisor.count <= kWordDigits) {
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

}  // namespace weir::json::internal
