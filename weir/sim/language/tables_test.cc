#include "weir/sim/language/tables.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

TEST(LanguageTables, EveryPieceIsFoundByItsBytes) {
  const Vocabulary& vocabulary = kLanguage.vocabulary;
  for (TokenId id = 0; id < Tokenizer::size(); ++id) {
    EXPECT_EQ(vocabulary.Find(vocabulary.Piece(id)), Tokenizer::IsSpecial(id) ? 0 : id);
  }
}

TEST(LanguageTables, CountsAreTheTokensOfTheCorpusWithoutMarks) {
  const auto& counts = kLanguage.counts;
  EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0U), kLanguage.counted);
  EXPECT_TRUE(
      std::all_of(counts.begin(), counts.begin() + kSpecials, [](int n) { return n == 0; }));
  EXPECT_EQ(std::ranges::count_if(kLanguage.next, Tokenizer::IsSpecial),
            std::ranges::count(kLanguage.next, kEndToken));
}

// The children of a node are sorted, and their ranges divide its own.
TEST(LanguageTables, ContextsAreATree) {
  const LanguageTables& tables = kLanguage;
  ASSERT_EQ(tables.begin.size(), tables.earlier.size());
  ASSERT_EQ(tables.children.size(), tables.earlier.size() + 1);
  EXPECT_EQ(tables.children.front(), static_cast<std::uint32_t>(Tokenizer::size()));
  EXPECT_EQ(tables.children.back(), tables.earlier.size());
  for (std::size_t node = 0; node < tables.earlier.size(); ++node) {
    const std::size_t first = tables.children[node];
    const std::size_t last = tables.children[node + 1];
    ASSERT_LE(first, last);
    if (first == last) continue;
    ASSERT_GT(first, node);
    EXPECT_EQ(tables.begin[first], tables.begin[node]);
    for (std::size_t child = first + 1; child < last; ++child) {
      ASSERT_LT(tables.earlier[child - 1], tables.earlier[child]);
      ASSERT_LT(tables.begin[child - 1], tables.begin[child]);
    }
  }
}

}  // namespace
}  // namespace weir::sim
