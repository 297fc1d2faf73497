#include "weir/schema/generate_number.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "weir/base/text.h"

namespace weir::schema {
namespace {

__extension__ using Wide = __int128;

constexpr int kMaxScale = 30;
constexpr std::size_t kMaxDigits = 36;

// mantissa / 10^scale
struct Fixed {
  Wide mantissa = 0;
  int scale = 0;
};

// Nullopt for numbers that are too long for Wide; those are left to the candidates below.
std::optional<Fixed> ToFixed(std::string_view number) {
  Fixed out;
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const std::size_t end = std::min(number.find_first_of("eE"), number.size());
  bool fraction = false;
  std::size_t digits = 0;
  for (const char c : number.substr(0, end)) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    if (++digits > kMaxDigits) return std::nullopt;
    out.mantissa = out.mantissa * 10 + (c - '0');
    if (fraction) ++out.scale;
  }
  if (end < number.size()) {
    std::string_view exponent = number.substr(end + 1);
    if (exponent.starts_with('+')) exponent.remove_prefix(1);
    const std::optional<std::int64_t> shift = ParseInt(exponent);
    if (!shift || *shift < -kMaxScale || *shift > kMaxScale) return std::nullopt;
    out.scale -= static_cast<int>(*shift);
  }
  while (out.scale > 0 && out.mantissa % 10 == 0) {
    out.mantissa /= 10;
    --out.scale;
  }
  for (; out.scale < 0; ++out.scale) {
    if (__builtin_mul_overflow(out.mantissa, Wide{10}, &out.mantissa)) return std::nullopt;
  }
  if (out.scale > kMaxScale) return std::nullopt;
  if (negative) out.mantissa = -out.mantissa;
  return out;
}

std::string ToText(Fixed number) {
  while (number.scale > 0 && number.mantissa % 10 == 0) {
    number.mantissa /= 10;
    --number.scale;
  }
  const bool negative = number.mantissa < 0;
  Wide rest = negative ? -number.mantissa : number.mantissa;
  std::string reversed;
  for (int i = 0; rest != 0 || i <= number.scale; ++i) {
    if (i > 0 && i == number.scale) reversed += '.';
    reversed += static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  }
  if (negative) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

Wide DivideDown(Wide a, Wide b) { return a / b - (a % b != 0 && a < 0 ? 1 : 0); }

// The whole numbers whose multiples of some step are let through.
struct Span {
  std::optional<Wide> low;
  std::optional<Wide> high;
};

// A demand whose numbers all are integers after multiplication by 10^scale.
class Grid {
 public:
  // False when it does not fit.
  bool Prepare(const NumberDemand& demand, int scale) {
    scale_ = scale;
    unit_ = 1;
    for (int i = 0; i < scale; ++i) {
      if (__builtin_mul_overflow(unit_, Wide{10}, &unit_)) return false;
    }
    step_ = 1;
    for (const json::Bound& multiple : demand.multiples) {
      Wide value = 0;
      if (!Scaled(multiple.text, value) || !Join(value)) return false;
    }
    return std::ranges::all_of(demand.lower, [&](const auto& limit) { return Add(limit, true); }) &&
           std::ranges::all_of(demand.upper, [&](const auto& limit) { return Add(limit, false); });
  }

  // The numbers must be multiples of `step` too.
  bool Join(Wide step) {
    Wide a = step_;
    Wide b = step;
    while (b != 0) a = std::exchange(b, a % b);
    return !__builtin_mul_overflow(step_ / a, step, &step_);
  }

  Span span() const {
    Span out;
    if (low_) out.low = -DivideDown(-*low_, step_);
    if (high_) out.high = DivideDown(*high_, step_);
    return out;
  }

  Wide unit() const { return unit_; }

  std::optional<std::string> TextOf(Wide count) const {
    Wide mantissa = 0;
    if (__builtin_mul_overflow(count, step_, &mantissa)) return std::nullopt;
    return ToText({.mantissa = mantissa, .scale = scale_});
  }

 private:
  bool Scaled(std::string_view text, Wide& out) const {
    const std::optional<Fixed> fixed = ToFixed(text);
    if (!fixed || fixed->scale > scale_) return false;
    out = fixed->mantissa;
    for (int i = fixed->scale; i < scale_; ++i) {
      if (__builtin_mul_overflow(out, Wide{10}, &out)) return false;
    }
    return true;
  }

  bool Add(const NumberLimit& limit, bool lower) {
    Wide value = 0;
    if (!Scaled(limit.bound.text, value)) return false;
    if (limit.exclusive) value += lower ? 1 : -1;
    if (lower) {
      low_ = std::max(low_.value_or(value), value);
    } else {
      high_ = std::min(high_.value_or(value), value);
    }
    return true;
  }

  int scale_ = 0;
  Wide unit_ = 1;
  Wide step_ = 1;
  std::optional<Wide> low_;
  std::optional<Wide> high_;
};

Wide Below(Wide limit, Random& random) {
  constexpr Wide kWord = Wide{1} << 62;
  if (limit <= kWord) return random.Below(static_cast<std::uint64_t>(limit));
  const Wide bits = static_cast<Wide>(random.Next() >> 2) << 62 | (random.Next() >> 2);
  return bits % limit;
}

Wide Pick(const Span& span, bool wide, Random& random) {
  constexpr std::array kWindows = {10, 100, 100, 1000, 100'000};
  const Wide window = wide ? Wide{1'000'000'000} : kWindows[random.Below(kWindows.size())];
  Wide low = span.low.value_or(0);
  Wide high = span.high.value_or(low + window);
  if (!span.low) low = high < 0 || random.Below(10) == 0 ? high - window : std::min(Wide{0}, high);
  if (high - low > window && random.Below(8) != 0) {
    // Small numbers where they are allowed, and those near the lower bound otherwise.
    if (low < 0 && high > 0) {
      low = random.Below(10) == 0 ? std::max(low, -window) : 0;
    }
    high = low > high - window ? high : low + window;
  }
  if (random.Below(20) == 0) return random.Below(2) == 0 ? low : high;
  return low + Below(high - low + 1, random);
}

std::optional<std::string> FromGrid(Grid grid, TypeMask types, Wide extra_step, bool wide,
                                    Random& random) {
  if (extra_step > 1 && !grid.Join(extra_step)) return std::nullopt;
  const Span span = grid.span();
  if (span.low && span.high && *span.low > *span.high) return std::nullopt;
  // Where only fractions are wanted, an integer is thrown away.
  for (int i = 0; i < 20; ++i) {
    std::optional<std::string> text = grid.TextOf(Pick(span, wide, random));
    if (!text) return std::nullopt;
    if ((types & kInteger) != 0 || !json::IsInteger(*text)) return text;
  }
  return std::nullopt;
}

bool Obeys(const std::string& text, const NumberDemand& demand, TypeMask types) {
  const json::Operand number(text);
  if ((types & (number.IsInteger() ? kInteger : kFraction)) == 0) return false;
  for (const NumberLimit& limit : demand.lower) {
    const int order = Compare(number, limit.bound);
    if (order < 0 || (order == 0 && limit.exclusive)) return false;
  }
  for (const NumberLimit& limit : demand.upper) {
    const int order = Compare(number, limit.bound);
    if (order > 0 || (order == 0 && limit.exclusive)) return false;
  }
  return std::ranges::all_of(demand.multiples,
                             [&](const json::Bound& bound) { return IsMultiple(number, bound); });
}

// A natural number in decimal, one more or one less.
std::string Step(std::string digits, bool up) {
  std::size_t i = digits.size();
  while (i-- > 0) {
    if (digits[i] != (up ? '9' : '0')) {
      digits[i] = static_cast<char>(digits[i] + (up ? 1 : -1));
      break;
    }
    digits[i] = up ? '0' : '9';
  }
  if (up && i == std::string::npos) digits.insert(0, 1, '1');
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string::npos ? "0" : digits.substr(first);
}

// A number a little above or below one that is too long to calculate with.
std::string Nudge(std::string_view number, bool up) {
  const bool negative = number.starts_with('-');
  if (negative) number.remove_prefix(1);
  const bool larger = up != negative;
  std::string out = negative ? "-" : "";
  const std::size_t exponent = number.find_first_of("eE");
  if (exponent != number.npos) {
    std::string_view digits = number.substr(exponent + 1);
    const bool small = digits.starts_with('-');
    if (!digits.empty() && !(digits.front() >= '0' && digits.front() <= '9')) {
      digits.remove_prefix(1);
    }
    StrAppend(out, number.substr(0, exponent), small ? "e-" : "e",
              Step(std::string(digits), larger != small));
    return out;
  }
  const std::size_t dot = number.find('.');
  const std::string whole(number.substr(0, dot));
  if (larger) return out + Step(whole, true);
  return out + (dot == number.npos ? Step(whole, false) : whole);
}

// For bounds of more digits than can be calculated with: what stands near them.
std::optional<std::string> FromCandidates(const NumberDemand& demand, TypeMask types,
                                          Random& random) {
  std::vector<std::string> candidates = {"0", "1", "-1", "0.5", "-0.5", "1.5"};
  const auto around = [&](std::string_view text) {
    candidates.emplace_back(text);
    candidates.push_back(Nudge(text, true));
    candidates.push_back(Nudge(text, false));
    // A fraction just beside it.
    if (text.find_first_of("eE") == text.npos) {
      candidates.push_back(StrCat(text, text.find('.') == text.npos ? ".5" : "5"));
    }
  };
  for (const NumberLimit& limit : demand.lower) around(limit.bound.text);
  for (const NumberLimit& limit : demand.upper) around(limit.bound.text);
  for (const json::Bound& multiple : demand.multiples) {
    candidates.emplace_back(multiple.text);
    candidates.push_back(StrCat("-", multiple.text));
    if (multiple.text.find_first_of("eE") == multiple.text.npos) {
      candidates.push_back(StrCat(multiple.text, "e", 1 + random.Below(20)));
    }
  }
  std::erase_if(candidates, [&](const auto& text) { return !Obeys(text, demand, types); });
  if (candidates.empty()) return std::nullopt;
  return candidates[random.Below(candidates.size())];
}

}  // namespace

std::optional<std::string> SampleNumber(const NumberDemand& demand, TypeMask types, bool wide,
                                        Random& random) {
  int scale = 0;
  const auto cover = [&](std::string_view text) {
    const std::optional<Fixed> fixed = ToFixed(text);
    if (fixed) scale = std::max(scale, fixed->scale);
  };
  for (const NumberLimit& limit : demand.lower) cover(limit.bound.text);
  for (const NumberLimit& limit : demand.upper) cover(limit.bound.text);
  for (const json::Bound& multiple : demand.multiples) cover(multiple.text);

  const bool free = (types & kFraction) != 0 && demand.multiples.empty();
  const bool integer =
      (types & kFraction) == 0 || (free && (types & kInteger) != 0 && random.Below(3) == 0);
  if (integer) {
    Grid grid;
    if (grid.Prepare(demand, scale)) {
      auto text = FromGrid(grid, types, grid.unit(), wide, random);
      if (text && Obeys(*text, demand, types)) return text;
    }
    if ((types & kFraction) == 0) return FromCandidates(demand, types, random);
  }
  // With no multiple to keep to, the grid is made finer until something lies between the bounds.
  const int first = free ? std::max(scale, 1 + static_cast<int>(random.Below(2))) : scale;
  const int last = free ? std::min(first + 6, kMaxScale) : scale;
  for (int fine = first; fine <= last; ++fine) {
    Grid grid;
    if (!grid.Prepare(demand, fine)) break;
    auto text = FromGrid(grid, types, 1, wide, random);
    if (text && Obeys(*text, demand, types)) return text;
  }
  return FromCandidates(demand, types, random);
}

std::string Describe(const NumberDemand& demand) {
  std::vector<std::string> parts;
  parts.reserve(demand.lower.size() + demand.upper.size() + demand.multiples.size());
  for (const NumberLimit& limit : demand.lower) {
    parts.push_back(StrCat(limit.exclusive ? "above " : "at least ", limit.bound.text));
  }
  for (const NumberLimit& limit : demand.upper) {
    parts.push_back(StrCat(limit.exclusive ? "below " : "at most ", limit.bound.text));
  }
  for (const json::Bound& multiple : demand.multiples) {
    parts.push_back(StrCat("a multiple of ", multiple.text));
  }
  return Join(parts, " and ");
}

}  // namespace weir::schema
