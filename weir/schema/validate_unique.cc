#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "weir/schema/validate.h"

namespace weir::schema {
namespace {

// Comparing each with each beats any hash for a few.
constexpr std::size_t kFew = 16;

std::uint64_t Mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 29);
}

// Equal for equal values: blind to the order of members and to how numbers are spelled.
std::uint64_t HashOf(json::View value) {
  std::uint64_t hash = static_cast<std::uint64_t>(value.kind());
  switch (value.kind()) {
    case json::Kind::kBool:
      return Mix(hash, value.BoolOr(false) ? 1 : 0);
    case json::Kind::kNumber:
      return Mix(hash, json::HashNumber(value.NumberText()));
    case json::Kind::kString:
      return Mix(hash, std::hash<std::string_view>()(value.StringOr("")));
    case json::Kind::kArray:
      for (const json::View item : value.items()) hash = Mix(hash, HashOf(item));
      return hash;
    case json::Kind::kObject: {
      std::uint64_t sum = 0;
      for (const json::Member member : value.members()) {
        sum += Mix(std::hash<std::string_view>()(member.key), HashOf(member.value));
      }
      return Mix(hash, sum);
    }
    default:
      return hash;
  }
}

}  // namespace

EqualItems FindEqualItems(json::View array) {
  const json::Items items = array.items();
  if (items.size() <= kFew) {
    for (std::size_t i = 1; i < items.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (items[i] == items[j]) return {.first = j, .second = i};
      }
    }
    return {};
  }
  struct Hashed {
    std::uint64_t hash;
    std::size_t index;
    auto operator<=>(const Hashed&) const = default;
  };
  std::vector<Hashed> hashed;
  hashed.reserve(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) hashed.push_back({HashOf(items[i]), i});
  std::ranges::sort(hashed);
  for (std::size_t i = 1; i < hashed.size(); ++i) {
    for (std::size_t j = i; j > 0 && hashed[j - 1].hash == hashed[i].hash; --j) {
      if (items[hashed[i].index] == items[hashed[j - 1].index]) {
        return {.first = hashed[j - 1].index, .second = hashed[i].index};
      }
    }
  }
  return {};
}

}  // namespace weir::schema
