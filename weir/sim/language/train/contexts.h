#pragma once

// Counts what follows what: LanguageTables' ranks and its tree of contexts.

#include <cstdint>
#include <vector>

#include "weir/sim/language/tables.h"
#include "weir/sim/language/train/corpus.h"

namespace weir::sim {

// Contexts have at most this many tokens: n-grams of one more.
inline constexpr std::size_t kLongestContext = 4;

// The arrays of LanguageTables, by the same names.
struct Contexts {
  std::vector<std::uint8_t> traits;
  std::vector<std::uint16_t> counts;
  std::uint32_t counted = 0;
  std::vector<std::uint16_t> next;
  std::vector<std::uint16_t> earlier;
  std::vector<std::uint32_t> begin;
  std::vector<std::uint32_t> children;
};

Contexts CountContexts(const std::vector<Document>& documents, const Vocabulary& vocabulary);

}  // namespace weir::sim
