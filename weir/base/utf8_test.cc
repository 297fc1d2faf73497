#include "weir/base/utf8.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"

namespace weir {
namespace {

TEST(Utf8, OnlyShortestFormsOfRealCharactersAreValid) {
  for (const std::string_view good :
       {"", "abc", "é", "€", "😀", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  const std::string_view bad[] = {
      "\x80",
      "\xC0\x80",
      "\xC1\xBF",
      "\xC3",
      "\xE0\x80\x80",
      "\xED\xA0\x80",
      "\xE2\x82",
      "\xF0\x80\x80\x80",
      "\xF5\x80\x80\x80",
      "\xF4\x90\x80\x80",
      "\xFF",
      "a\xC3(",
  };
  for (const std::string_view text : bad) EXPECT_FALSE(IsUtf8(text)) << Base64Encode(text);
}

// Valid UTF-8 of one to four bytes per character.
rc::Gen<std::string> Utf8Texts() {
  const auto character = rc::gen::elementOf(
      std::vector<std::string>{"a", "\n", "é", "ß", "€", "한", "😀", "\U0010FFFF"});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(character),
                      [](const std::vector<std::string>& parts) { return Join(parts, ""); });
}

RC_GTEST_PROP(Utf8Prefix, IsTheLongestValidPrefixThatFits, ()) {
  const std::string text = *Utf8Texts();
  const auto max_bytes = *rc::gen::inRange<std::size_t>(0, text.size() + 2);

  const std::string_view prefix = Utf8Prefix(text, max_bytes);

  RC_ASSERT(text.starts_with(prefix));
  RC_ASSERT(prefix.size() <= max_bytes);
  RC_ASSERT(IsUtf8(prefix));
  for (std::size_t longer = prefix.size() + 1; longer <= std::min(max_bytes, text.size());
       ++longer) {
    RC_ASSERT(!IsUtf8(std::string_view(text).substr(0, longer)));
  }
}

TEST(Utf8, OfABadSequenceWhatLookedRightIsSteppedOver) {
  const auto step = [](std::string_view text) { return DecodeUtf8(text).length; };
  EXPECT_EQ(step("\xFFz"), 1u);
  EXPECT_EQ(step("\xC3z"), 1u);
  EXPECT_EQ(step("\xE2\x82z"), 2u);
  EXPECT_EQ(step("\xF0\x9F\x98"), 3u);
}

RC_GTEST_PROP(Utf8, WhatIsWrittenIsReadBack, ()) {
  const auto c = static_cast<char32_t>(*rc::gen::inRange(0, 0x110000));
  RC_PRE(c < 0xD800 || c > 0xDFFF);
  std::string text;

  AppendUtf8(text, c);

  const Utf8Char read = DecodeUtf8(text);
  RC_ASSERT(read.valid);
  RC_ASSERT(read.code_point == c);
  RC_ASSERT(read.length == text.size());
}

TEST(Utf8, CharactersAreCountedAndFound) {
  EXPECT_EQ(CountCharacters(""), 0u);
  EXPECT_EQ(CountCharacters("aé€😀"), 4u);
  EXPECT_EQ(OffsetOfCharacter("aé€", 0), 0u);
  EXPECT_EQ(OffsetOfCharacter("aé€", 2), 3u);
  EXPECT_EQ(OffsetOfCharacter("aé€", 3), 6u);
}

TEST(Utf8Suffix, CutsNoCharacterInTwo) {
  EXPECT_EQ(Utf8Suffix("xé", 1), "");
  EXPECT_EQ(Utf8Suffix("xé", 2), "é");
  EXPECT_EQ(Utf8Suffix("xé", 3), "xé");
}

TEST(ToUtf8, BrokenBytesAndNulAreReplaced) {
  EXPECT_EQ(ToUtf8("a\xFF\xC3\xA9\xC3 \xE2\x82"), "a\uFFFD\u00e9\uFFFD \uFFFD");
  EXPECT_EQ(ToUtf8(std::string_view("a\0b", 3)), "a\uFFFDb");
}

}  // namespace
}  // namespace weir
