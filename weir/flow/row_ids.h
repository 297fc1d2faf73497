#pragma once

// Which row had an id first: for each id its hash and its number, never its text.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::flow {

// About 20 bytes a row. Two ids of a million are taken for the same with a chance of 1 in 30
// million.
class RowIds {
 public:
  // The number of the row that has this id already; else remembers it for row `number`.
  std::optional<std::uint64_t> Add(std::string_view id, std::uint64_t number);

 private:
  struct Known {
    std::uint32_t low;  // the hash, in halves: 12 bytes, not 16
    std::uint32_t high;
    std::uint32_t number;
  };

  std::size_t SlotOf(std::uint64_t hash) const;
  void Grow();

  std::vector<std::uint32_t> slots_;  // of a table with open addressing: 1 + the place in known_
  std::vector<Known> known_;
};

}  // namespace weir::flow
