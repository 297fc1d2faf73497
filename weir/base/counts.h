#pragma once

// Counts that others name, such as tokens: which numbers may be one, and arithmetic that ends at
// the largest number where it would overflow.

#include <cstdint>
#include <limits>

namespace weir {

// What every JSON library reads exactly. Nothing that is counted here comes near it.
inline constexpr std::int64_t kMostCount = std::int64_t{1} << 53;

constexpr bool IsCount(std::int64_t number) { return number >= 0 && number <= kMostCount; }

// At most one may be negative.
constexpr std::int64_t AddCapped(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

// Neither may be negative.
constexpr std::int64_t MultiplyCapped(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::int64_t>::max()
                                                : product;
}

}  // namespace weir
