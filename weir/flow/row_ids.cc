#include "weir/flow/row_ids.h"

#include <limits>

#include "weir/base/random.h"

namespace weir::flow {
namespace {

constexpr std::size_t kFirstSlots = 1024;
constexpr std::uint64_t kMostRows = std::numeric_limits<std::uint32_t>::max() - 1;

std::uint64_t HashOf(std::uint32_t low, std::uint32_t high) {
  return std::uint64_t{high} << 32 | low;
}

}  // namespace

// Where the hash stands, or may stand.
std::size_t RowIds::SlotOf(std::uint64_t hash) const {
  std::size_t slot = hash & (slots_.size() - 1);
  while (slots_[slot] != 0) {
    const Known& known = known_[slots_[slot] - 1];
    if (HashOf(known.low, known.high) == hash) break;
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

void RowIds::Grow() {
  slots_.assign(slots_.empty() ? kFirstSlots : slots_.size() * 2, 0);
  for (std::size_t i = 0; i < known_.size(); ++i) {
    slots_[SlotOf(HashOf(known_[i].low, known_[i].high))] = static_cast<std::uint32_t>(i + 1);
  }
}

std::optional<std::uint64_t> RowIds::Add(std::string_view id, std::uint64_t number) {
  if (known_.size() * 2 >= slots_.size()) Grow();
  const std::uint64_t hash = StableHash(id.data(), id.size());
  const std::size_t slot = SlotOf(hash);
  if (slots_[slot] != 0) return known_[slots_[slot] - 1].number;
  // Nobody has so many rows; those behind them are not compared.
  if (number >= kMostRows) return std::nullopt;
  known_.push_back({.low = static_cast<std::uint32_t>(hash),
                    .high = static_cast<std::uint32_t>(hash >> 32),
                    .number = static_cast<std::uint32_t>(number)});
  slots_[slot] = static_cast<std::uint32_t>(known_.size());
  return std::nullopt;
}

}  // namespace weir::flow
