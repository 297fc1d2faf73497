#include "weir/sim/language/tokenizer.h"

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/sim/language/vocabulary.h"

namespace weir::sim {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Ge;

std::vector<std::string> Pieces(std::string_view text) {
  std::vector<std::string> pieces;
  for (const TokenId token : Tokenizer::Encode(text)) pieces.emplace_back(Tokenizer::Piece(token));
  return pieces;
}

RC_GTEST_PROP(Tokenizer, AnyBytesComeBack, (const std::vector<std::uint8_t>& bytes)) {
  const std::string text(bytes.begin(), bytes.end());
  const std::vector<TokenId> tokens = Tokenizer::Encode(text);
  RC_ASSERT(Tokenizer::Decode(tokens, false) == text);
  RC_ASSERT(Tokenizer::Decode(tokens, true) == text);
  RC_ASSERT(Tokenizer::Count(text) == static_cast<std::int64_t>(tokens.size()));
}

RC_GTEST_PROP(Tokenizer, TextOfWordsComesBack, ()) {
  const auto words = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>(" ", "  ", "\n", "river", " the", "Straße", "水", "🦆", "don't",
                                    "'", "1234567", "\": \"", "{\"", "},", "\t", "\xFF", "\xE6\xB0",
                                    "<|im_end|>", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
  std::string text;
  for (const std::string& word : words) text += word;
  RC_ASSERT(Tokenizer::Decode(Tokenizer::Encode(text), true) == text);
}

TEST(Tokenizer, HasSpecialsThenBytesThenDistinctMerges) {
  ASSERT_GE(Tokenizer::size(), 4096);
  EXPECT_EQ(Tokenizer::Piece(kEndToken), "<|im_end|>");
  EXPECT_EQ(Tokenizer::Piece(static_cast<TokenId>(Special::kThinkEnd)), "</think>");
  EXPECT_EQ(Tokenizer::Piece(static_cast<TokenId>(Special::kMedium)), "<|medium|>");
  for (int byte = 0; byte < 256; ++byte) {
    const char piece = static_cast<char>(byte);
    EXPECT_EQ(Tokenizer::Piece(kFirstByte + byte), std::string_view(&piece, 1));
  }
  std::unordered_set<std::string_view> pieces;
  for (TokenId id = 0; id < Tokenizer::size(); ++id) {
    EXPECT_TRUE(pieces.insert(Tokenizer::Piece(id)).second) << Tokenizer::Piece(id);
  }
}

TEST(Tokenizer, APieceThatIsOneWordIsOneToken) {
  for (TokenId id = kFirstByte; id < Tokenizer::size(); ++id) {
    const std::string_view piece = Tokenizer::Piece(id);
    if (WordSize(piece) != piece.size()) continue;
    EXPECT_THAT(Tokenizer::Encode(piece), ElementsAre(id)) << piece;
  }
}

TEST(Tokenizer, NeighboursThatAreOnePieceAreJoined) {
  const std::string_view text =
      "Unsplittable hydrodynamics, weirs and penstocks: {\"level\": 1.25}";
  const std::vector<TokenId> tokens = Tokenizer::Encode(text);
  std::size_t at = 0;
  std::size_t word_end = 0;
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if (at == word_end) word_end += WordSize(text.substr(at));
    const std::size_t size = Tokenizer::Piece(tokens[i]).size();
    const std::size_t both = size + Tokenizer::Piece(tokens[i + 1]).size();
    if (at + both <= word_end) {
      EXPECT_GT(Tokenizer::Encode(text.substr(at, both)).size(), 1U) << text.substr(at, both);
    }
    at += size;
  }
}

TEST(Tokenizer, CommonWordsAreOneToken) {
  EXPECT_THAT(Pieces("The water of the river."),
              ElementsAre("The", " water", " of", " the", " river", "."));
  EXPECT_THAT(Pieces("{\"name\": \"x\"}"), ElementsAre("{\"", "name", "\": \"", "x", "\"}"));
}

TEST(Tokenizer, MarksInTextAreText) {
  for (const std::string_view mark : {"<|im_end|>", "<think>", "</think>", "<|medium|>"}) {
    EXPECT_THAT(Tokenizer::Encode(mark), Each(Ge(kSpecials))) << mark;
  }
}

TEST(Tokenizer, SpecialsAreLeftOutOnRequest) {
  std::vector<TokenId> tokens = Tokenizer::Encode("yes");
  tokens.push_back(kEndToken);
  EXPECT_EQ(Tokenizer::Decode(tokens, true), "yes");
  EXPECT_EQ(Tokenizer::Decode(tokens, false), "yes<|im_end|>");
}

// Quadratic work on these would take minutes.
TEST(Tokenizer, LongRunsAreLinear) {
  constexpr std::size_t kSize = 1'000'000;
  for (const std::string_view unit : {"a", " ", "\n", "\"", "7", "\xE6", " a", "\" "}) {
    std::string text;
    while (text.size() < kSize) text += unit;
    EXPECT_EQ(Tokenizer::Decode(Tokenizer::Encode(text), true), text) << unit;
  }
}

TEST(WordSplit, WordsAreWhatTheHeaderSays) {
  const struct {
    std::string_view text;
    std::vector<std::string_view> words;
  } kCases[] = {
      {"Don't stop", {"Don't", " stop"}},
      {"rock'n' roll", {"rock'n", "'", " roll"}},
      {"12345 678", {"123", "45", " 678"}},
      {"a  b", {"a", " ", " b"}},
      {"a   ", {"a", "   "}},
      {"x\n\n  y", {"x", "\n\n ", " y"}},
      {"\": \"v\", \"", {"\": \"", "v", "\", \""}},
      {"naïve", {"naïve"}},
      {" ", {" "}},
  };
  for (const auto& c : kCases) {
    std::vector<std::string_view> words;
    for (std::string_view rest = c.text; !rest.empty();) {
      words.push_back(rest.substr(0, WordSize(rest)));
      rest.remove_prefix(words.back().size());
    }
    EXPECT_EQ(words, c.words) << c.text;
  }
}

}  // namespace
}  // namespace weir::sim
