#include "weir/sim/tokens.h"

#include <string>

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/sim/writer.h"

namespace weir::sim {
namespace {

using testing::ElementsAreArray;

std::vector<std::string> Tokens(std::string_view text) {
  std::vector<std::uint32_t> ends;
  CutTokens(text, 0, ends);
  std::vector<std::string> tokens;
  std::size_t begin = 0;
  for (const std::uint32_t end : ends) {
    tokens.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return tokens;
}

struct Case {
  const char* name;
  std::string_view text;
  std::vector<std::string> tokens;
};

const Case kCases[] = {
    {"empty", "", {}},
    {"blank_belongs_to_the_word", "a river", {"a", " river"}},
    {"long_words_fall_into_even_pieces", "interesting", {"intere", "sting"}},
    {"digits_by_three", "12345", {"123", "45"}},
    {"marks_alone", "so, why?", {"so", ",", " why", "?"}},
    {"equal_marks_together", "wait....!", {"wait", "....", "!"}},
    {"runs_of_blanks", "a   b", {"a", "  ", " b"}},
    {"blanks_at_the_end", "a  ", {"a", "  "}},
    {"new_lines", "a\n\nb", {"a", "\n\n", "b"}},
    {"characters_stay_whole", "äöüß", {"äö", "üß"}},
};

class TokensTest : public testing::TestWithParam<Case> {};

TEST_P(TokensTest, Cuts) {
  EXPECT_THAT(Tokens(GetParam().text), ElementsAreArray(GetParam().tokens));
  EXPECT_EQ(CountTokens(GetParam().text), static_cast<std::int64_t>(GetParam().tokens.size()));
}

INSTANTIATE_TEST_SUITE_P(Sim, TokensTest, testing::ValuesIn(kCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Tokens, EnglishIsAboutFourBytesAToken) {
  std::string text;
  const std::vector<std::string> topics;
  Writer writer(1, topics);
  for (int i = 0; i < 100; ++i) writer.AppendSentence(text);

  const double bytes = static_cast<double>(text.size()) / static_cast<double>(CountTokens(text));

  EXPECT_GT(bytes, 3.5);
  EXPECT_LT(bytes, 5);
}

TEST(Tokens, IdsAreDecidedByTheText) {
  EXPECT_EQ(TokenId(" river"), TokenId(" river"));
  EXPECT_NE(TokenId(" river"), TokenId("river"));
  EXPECT_LT(TokenId("x"), kVocabulary);
}

RC_GTEST_PROP(Tokens, CoverAnyText, (const std::string& text)) {
  std::string joined;
  for (const std::string& token : Tokens(text)) {
    RC_ASSERT(!token.empty());
    joined += token;
  }
  RC_ASSERT(joined == text);
}

}  // namespace
}  // namespace weir::sim
