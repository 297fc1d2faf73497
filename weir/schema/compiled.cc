#include "weir/schema/compiled.h"

#include <bit>
#include <cstring>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/pointer.h"

namespace weir::schema {
namespace {

// A linear search of a few keys beats any hash.
constexpr std::size_t kFew = 6;

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t Hash(std::string_view key) {
  constexpr std::uint64_t kOdd = 0x9E3779B97F4A7C15;
  std::uint64_t hash = key.size() + kOdd;
  for (; key.size() >= 8; key.remove_prefix(8)) {
    std::uint64_t word = 0;
    std::memcpy(&word, key.data(), 8);
    hash = Mix(hash ^ word, kOdd);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, key.data(), key.size());
  return Mix(hash ^ word, kOdd);
}

}  // namespace

void KeyTable::Build(std::vector<std::string_view> keys) {
  keys_ = std::move(keys);
  slots_.clear();
  if (keys_.size() <= kFew) return;
  slots_.resize(std::bit_ceil(keys_.size() * 2));
  for (std::uint32_t i = 0; i < keys_.size(); ++i) {
    std::size_t at = Hash(keys_[i]);
    while (slots_[at & (slots_.size() - 1)] != 0) ++at;
    slots_[at & (slots_.size() - 1)] = i + 1;
  }
}

std::uint32_t KeyTable::Find(std::string_view key) const {
  if (slots_.empty()) {
    for (std::uint32_t i = 0; i < keys_.size(); ++i) {
      if (SameKey(keys_[i], key)) return i;
    }
    return kNone;
  }
  for (std::size_t at = Hash(key);; ++at) {
    const std::uint32_t slot = slots_[at & (slots_.size() - 1)];
    if (slot == 0) return kNone;
    if (SameKey(keys_[slot - 1], key)) return slot - 1;
  }
}

std::string Compiled::PathOf(NodeIndex index, std::string_view keyword) const {
  return PathOfPlace(nodes[index].place, keyword);
}

std::string Compiled::PathOfPlace(std::uint32_t place, std::string_view keyword) const {
  std::vector<const Place*> way;
  const Place* at = &places[place];
  for (; at->parent != kNone; at = &places[at->parent]) way.push_back(at);
  std::string out;
  if (at->index != 0) StrAppend(out, document_uris[at->index], "#");
  for (std::size_t i = way.size(); i-- > 0;) {
    if (way[i]->index != kNone) {
      json::AppendToken(out, way[i]->index);
    } else {
      json::AppendToken(out, way[i]->token);
    }
  }
  if (!keyword.empty()) json::AppendToken(out, keyword);
  return out;
}

}  // namespace weir::schema
