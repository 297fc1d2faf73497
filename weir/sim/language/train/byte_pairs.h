#pragma once

// Learns byte pair encoding: the pair of neighbouring pieces that occurs most often becomes a
// piece, again and again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/sim/language/vocabulary.h"

namespace weir::sim {

// A vocabulary that owns its arrays.
class LearnedPieces {
 public:
  // `pieces` in order of id, beginning with the marks of the specials.
  explicit LearnedPieces(const std::vector<std::string>& pieces);

  Vocabulary view() const { return {bytes_, offsets_, slots_}; }

 private:
  std::string bytes_;
  std::vector<std::uint32_t> offsets_;
  std::vector<std::uint16_t> slots_;
};

// Specials, bytes and merges, `size` pieces altogether; fewer when the text has no more pairs.
LearnedPieces LearnPieces(const std::vector<std::string_view>& documents, std::size_t size);

}  // namespace weir::sim
