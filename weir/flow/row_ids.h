#pragma once

// Which row had an id first: for each id a hash and the number of its row, never its text.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::flow {

// Ids that count up with the rows take no memory, others 20 to 30 bytes each. Two ids are told
// apart by 96 bits of hash, which no input has the rows to confuse: of a thousand million ids, two
// are taken for the same with a chance of 1 in 10^11. (With 64 bits it would be 1 in 40, and a row
// would fail for nothing.)
class RowIds {
 public:
  // The number of the row that has this id already; else remembers it for row `number`.
  std::optional<std::uint64_t> Add(std::string_view id, std::uint64_t number);

  // Of the heap.
  std::size_t bytes() const;

 private:
  struct Slot {
    std::array<std::uint32_t, 3> hash;
    std::uint32_t row;  // 1 + its number; 0: nothing stands here
  };
  // A table with open addressing. It is small and grows by a part, so that growing moves little.
  struct Shard {
    std::vector<Slot> slots;
    std::size_t used = 0;

    Slot& SlotOf(const std::array<std::uint32_t, 3>& hash);
    void Grow();
  };
  static constexpr std::size_t kShards = 256;
  // Rows from `row` on, each of which had the next whole number as its id.
  struct Run {
    std::uint64_t id = 0;
    std::uint64_t row = 0;
    std::uint64_t count = 0;
  };

  Run run_;
  std::array<Shard, kShards> shards_;
};

}  // namespace weir::flow
