#include "weir/flow/row_ids.h"

#include <algorithm>
#include <limits>

#include "weir/base/random.h"
#include "weir/base/text.h"

namespace weir::flow {
namespace {

constexpr std::size_t kFirstSlots = 16;
constexpr std::uint64_t kMostRows = std::numeric_limits<std::uint32_t>::max() - 1;
constexpr std::uint64_t kOtherSeed = 0x5EED;  // the second hash has to have nothing of the first

// "7", and neither "07" nor "7.0", which are other ids.
std::optional<std::uint64_t> WholeNumber(std::string_view id) {
  const std::optional<std::uint64_t> number = ParseUint(id);
  return number && StrCat(*number) == id ? number : std::nullopt;
}

}  // namespace

// Where the hash stands, or may stand.
RowIds::Slot& RowIds::Shard::SlotOf(const std::array<std::uint32_t, 3>& hash) {
  std::size_t slot = static_cast<std::size_t>(std::uint64_t{hash[0]} * slots.size() >> 32);
  while (slots[slot].row != 0 && slots[slot].hash != hash) slot = (slot + 1) % slots.size();
  return slots[slot];
}

// To a half more, so that at least a half is used.
void RowIds::Shard::Grow() {
  std::vector<Slot> before(std::max(kFirstSlots, slots.size() + slots.size() / 2));
  before.swap(slots);
  for (const Slot& slot : before) {
    if (slot.row != 0) SlotOf(slot.hash) = slot;
  }
}

std::optional<std::uint64_t> RowIds::Add(std::string_view id, std::uint64_t number) {
  const std::optional<std::uint64_t> whole = WholeNumber(id);
  if (whole && *whole >= run_.id && *whole - run_.id < run_.count) {
    return run_.row + (*whole - run_.id);
  }
  const std::uint64_t first = StableHash(id.data(), id.size());
  const std::uint64_t second = StableHash(id.data(), id.size(), kOtherSeed);
  const std::array<std::uint32_t, 3> hash = {static_cast<std::uint32_t>(first),
                                             static_cast<std::uint32_t>(second >> 32),
                                             static_cast<std::uint32_t>(second)};
  Shard& shard = shards_[first >> 56];
  if (!shard.slots.empty()) {
    if (const Slot& slot = shard.SlotOf(hash); slot.row != 0) return slot.row - 1;
  }
  if (whole && run_.count == 0) run_ = {.id = *whole, .row = number, .count = 0};
  if (whole && *whole - run_.id == run_.count && number - run_.row == run_.count) {
    ++run_.count;
    return std::nullopt;
  }
  // Nobody has so many rows; those behind them are not compared.
  if (number >= kMostRows) return std::nullopt;
  if ((shard.used + 1) * 5 > shard.slots.size() * 4) shard.Grow();
  shard.SlotOf(hash) = {.hash = hash, .row = static_cast<std::uint32_t>(number + 1)};
  ++shard.used;
  return std::nullopt;
}

std::size_t RowIds::bytes() const {
  std::size_t bytes = 0;
  for (const Shard& shard : shards_) bytes += shard.slots.capacity() * sizeof(Slot);
  return bytes;
}

}  // namespace weir::flow
