#pragma once

// What can be known about the instances of each node before one is made.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "weir/schema/compiled.h"

namespace weir::schema {

inline constexpr std::uint32_t kEndless = 0xFFFFFFFF;
inline constexpr std::size_t kTypeCount = 7;

// For each type, by the number of its bit in TypeMask: how many levels of arrays and objects the
// flattest instance of that type has, as far as it can be seen; kEndless if there is none.
struct Outline {
  std::array<std::uint32_t, kTypeCount> depth;

  TypeMask types() const;
  std::uint32_t Least(TypeMask among = kAnyType) const;
};

// One per node.
std::vector<Outline> MakeOutlines(const Compiled& compiled);

// The bits of the types that `value` has: a number without a fraction is kInteger only.
TypeMask TypeOf(json::View value);

}  // namespace weir::schema
