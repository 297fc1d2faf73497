#pragma once

// The hash index that stands behind the members of a large object.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

#include "weir/json/value.h"

namespace weir::json::internal {

// A linear search of a few keys beats any hash.
inline constexpr std::size_t kLinearMembers = 16;

inline bool HasIndex(std::size_t members) {
  return members > kLinearMembers && members < std::numeric_limits<std::uint32_t>::max() / 4;
}

inline std::size_t IndexSlots(std::size_t members) { return std::bit_ceil(members * 2); }

// Seeded with the address of the members, so that nobody outside can choose keys that collide.
inline std::size_t HashKey(std::string_view key, const Node* members) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t hash = mix(reinterpret_cast<std::uintptr_t>(members) ^ key.size(), kOdd);
  for (; key.size() >= 8; key.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, key.data(), 8);
    hash = mix(hash ^ word, kOdd);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, key.data(), key.size());
  return mix(hash ^ word, kOdd);
}

// Slots hold the member's number plus one; 0 is free. `members` are key, value, key, value, ...
template <class Slot>  // std::uint32_t, const or not
Slot* FindSlot(Slot* slots, std::size_t count, const Node* members, std::string_view key) {
  for (std::size_t at = HashKey(key, members);; ++at) {
    Slot* const slot = slots + (at & (count - 1));
    if (*slot == 0 || members[(*slot - 1) * std::size_t{2}].Text() == key) return slot;
  }
}

}  // namespace weir::json::internal
