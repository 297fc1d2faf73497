#include "weir/wire/quoted_text.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/utf8.h"
#include "weir/json/writer.h"

namespace weir::wire {
namespace {

struct QuotedCase {
  const char* name;
  std::string_view text;
  std::string_view answer;
};

const QuotedCase kQuotedCases[] = {
    {"nothing", "", ""},
    {"a_string", R"("yes")", "yes"},
    {"blanks_around", " \n\"yes\"", "yes"},
    {"an_empty_string", R"("")", ""},
    {"escapes", R"("a\"b\\c\n\/\u00e4")", "a\"b\\c\n/ä"},
    {"a_pair", R"("\ud83d\ude00!")", "😀!"},
    {"a_pair_that_is_none", R"("\ud83dx")", "\\ud83dx"},
    {"a_pair_and_an_escape", R"("\ud83d\n")", "\\ud83d\n"},
    {"no_string", "yes \"or\" no", "yes \"or\" no"},
    {"only_blanks", "  ", "  "},
    {"cut", R"("ye)", "ye"},
    {"cut_in_an_escape", R"("ye\u00)", "ye\\u00"},
    {"cut_behind_a_unit", R"("ye\ud83d)", "ye\\ud83d"},
    {"no_escape", R"("a\qb")", "a\\qb"},
    {"more_behind", R"("yes" no)", "yes no"},
};

TEST(QuotedText, WhatStandsBetweenTheMarksIsTheAnswerHoweverItIsCut) {
  for (const QuotedCase& c : kQuotedCases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(Unquoted(c.text), c.answer);
    for (std::size_t cut = 0; cut <= c.text.size(); ++cut) {
      QuotedText quoted;
      const std::string first = quoted.Feed(c.text.substr(0, cut));
      const std::string second = quoted.Feed(c.text.substr(cut));
      EXPECT_EQ(first + second + quoted.Finish(), c.answer) << "cut at " << cut;
    }
    QuotedText quoted;
    std::string bytewise;
    for (const char byte : c.text) bytewise += quoted.Feed({&byte, 1});
    EXPECT_EQ(bytewise + quoted.Finish(), c.answer);
  }
}

TEST(QuotedText, PlainPiecesAreNotHeldBack) {
  QuotedText quoted;
  EXPECT_EQ(quoted.Feed("\"ye"), "ye");
  EXPECT_EQ(quoted.Feed("s"), "s");
  EXPECT_EQ(quoted.Feed("\""), "");
  EXPECT_EQ(quoted.Finish(), "");
}

RC_GTEST_PROP(QuotedText, UndoesWriting, (const std::vector<std::uint32_t>& numbers)) {
  constexpr std::uint32_t kCodePoints = 0x110000;
  std::string text;
  for (const std::uint32_t number : numbers) {
    const std::uint32_t point = number % kCodePoints;
    if (point < 0xD800 || point > 0xDFFF) AppendUtf8(text, point);
  }
  std::string written;
  json::AppendQuoted(written, text);
  RC_ASSERT(Unquoted(written) == text);
}

}  // namespace
}  // namespace weir::wire
