#include "weir/base/text.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;

TEST(StrCat, JoinsTextAndNumbersInTheirShortestExactForm) {
  const std::string owned = "b";

  EXPECT_EQ(StrCat("a", owned, 'c', 1, -2L, 3U, 0.1, true), "abc1-230.1true");
  EXPECT_EQ(StrCat(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(StrCat(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(StrAppend, KeepsWhatIsThere) {
  std::string out = "x";

  StrAppend(out, 1, "y");

  EXPECT_EQ(out, "x1y");
}

TEST(Trim, TakesWhiteSpaceOffBothEndsOnly) {
  EXPECT_EQ(Trim(" \t\r\n a b \v\f"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(Split, KeepsEmptyParts) {
  EXPECT_THAT(Split("a,,b,", ','), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(Split("", ','), ElementsAre(""));
}

RC_GTEST_PROP(Join, UndoesSplit, (const std::string& text)) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(text, 'a')) parts.emplace_back(part);
  RC_ASSERT(Join(parts, "a") == text);
}

TEST(Case, IsFoldedInAsciiOnly) {
  EXPECT_EQ(ToLower("ABZ[É"), "abz[É");
  EXPECT_TRUE(EqualsIgnoreCase("Content-TYPE", "content-type"));
  EXPECT_FALSE(EqualsIgnoreCase("a", "ab"));
  EXPECT_FALSE(EqualsIgnoreCase("@", "`"));
}

TEST(ParseNumber, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(ParseInt("-42"), -42);
  EXPECT_EQ(ParseUint("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(ParseDouble("1e3"), 1000.0);
  for (const std::string_view bad : {"", " 1", "1 ", "+1", "0x1", "1x", "99999999999999999999"}) {
    EXPECT_EQ(ParseInt(bad), std::nullopt) << bad;
    EXPECT_EQ(ParseUint(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(ParseUint("-1"), std::nullopt);
  for (const std::string_view bad : {"", "inf", "nan", "1e999", "1.5x", " 1.5"}) {
    EXPECT_EQ(ParseDouble(bad), std::nullopt) << bad;
  }
}

RC_GTEST_PROP(ParseNumber, ReadsBackWhatStrCatWrites, (std::int64_t number, double real)) {
  RC_ASSERT(ParseInt(StrCat(number)) == number);
  RC_ASSERT(ParseDouble(StrCat(real)) == real);
}

TEST(CountOf, OneIsNoPlural) {
  EXPECT_EQ(CountOf(1, "row"), "1 row");
  EXPECT_EQ(CountOf(std::size_t{0}, "row"), "0 rows");
  EXPECT_EQ(CountOf(std::int64_t{-1}, "row"), "-1 rows");
  EXPECT_EQ(CountOf(2, "property", "properties"), "2 properties");
}

TEST(HexText, HasSixteenDigitsHighestFirst) {
  EXPECT_EQ(HexText(0), "0000000000000000");
  EXPECT_EQ(HexText(0x0123456789ABCDEF), "0123456789abcdef");
}

TEST(Truncate, SaysHowMuchIsMissing) {
  EXPECT_EQ(Truncate("short", 5), "short");
  EXPECT_EQ(Truncate("abcdef", 4), "abcd… (truncated 2 chars)");
  EXPECT_EQ(Truncate("aé€", 4), "aé… (truncated 3 chars)");
}

TEST(Nearest, SuggestsOnlyWhatMayHaveBeenMeant) {
  const std::vector<std::string> words = {"temperature", "top_p", "max_tokens"};

  EXPECT_EQ(Nearest("temprature", words), "temperature");
  EXPECT_EQ(Nearest("MAX_TOKENS", words), "max_tokens");
  EXPECT_EQ(Nearest("top-p", words), "top_p");
  EXPECT_EQ(Nearest("frobnicate", words), std::nullopt);
  EXPECT_EQ(Nearest("x", {}), std::nullopt);
}

TEST(Nearest, OfAShortWordSomethingStays) {
  const std::vector<std::string> words = {"n1", "x", "id"};

  EXPECT_EQ(Nearest("q", words), std::nullopt);
  EXPECT_EQ(Nearest("zz", words), std::nullopt);
  EXPECT_EQ(Nearest("", words), std::nullopt);
  EXPECT_EQ(Nearest("X", words), "x");
  EXPECT_EQ(Nearest("if", words), "id");
}

TEST(Base64, MatchesTheVectorsOfRfc4648) {
  const std::pair<std::string_view, std::string_view> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xFB\xFF", "+/8="},
  };
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base64Encode(bytes), text);
    EXPECT_EQ(Base64Decode(text), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotPaddedStandardBase64) {
  for (const std::string_view bad :
       {"Z", "Zg", "Zg=", "====", "Z===", "Zg==Zg==", "Zm9-", "Zm 9v", "=Zm9"}) {
    EXPECT_EQ(Base64Decode(bad), std::nullopt) << bad;
  }
}

RC_GTEST_PROP(Base64, DecodesToWhatWasEncoded, (const std::vector<char>& data)) {
  const std::string bytes(data.begin(), data.end());
  RC_ASSERT(Base64Decode(Base64Encode(bytes)) == bytes);
}

TEST(FormatMillis, UsesTheUnitAPersonWouldUse) {
  EXPECT_EQ(FormatMillis(0), "0 ms");
  EXPECT_EQ(FormatMillis(250), "250 ms");
  EXPECT_EQ(FormatMillis(10'000), "10 s");
  EXPECT_EQ(FormatMillis(12'345), "12.345 s");
}

}  // namespace
}  // namespace weir
