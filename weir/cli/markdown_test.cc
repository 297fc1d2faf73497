#include "weir/cli/markdown.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/cli/screen_testing.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

// What stands on the screen when the text came in pieces of `step` bytes.
std::string Shown(std::string_view text, std::size_t step, MarkdownOptions options = {}) {
  TestScreen screen(options.width, options.height);
  Markdown markdown(options);
  for (std::size_t i = 0; i < text.size(); i += step) {
    screen.Write(markdown.Feed(text.substr(i, step)));
  }
  screen.Write(markdown.Finish());
  EXPECT_EQ(screen.unknown_escapes(), 0) << text;
  return screen.Text();
}

struct MarkdownCase {
  const char* name;
  std::string_view text;
  std::string_view shown;
  int width = 40;
};

const MarkdownCase kMarkdownCases[] = {
    {"paragraph", "Hello, world.", "Hello, world.\n"},
    {"two_paragraphs", "One.\n\n\n\nTwo.\n", "One.\n\nTwo.\n"},
    {"lines_are_kept", "Roses are red,\nviolets are blue.", "Roses are red,\nviolets are blue.\n"},
    {"wraps_at_blanks", "aaaa bbbb cccc", "aaaa bbbb\ncccc\n", 11},
    {"long_word_is_cut", "abcdefghijkl", "abcdefghi\njkl\n", 10},
    {"wide_characters_count_two", "日本語日本語", "日本語日\n本語\n", 10},
    {"combining_marks_count_nothing",
     "a\xCC\x81"
     "b\xCC\x81 cd",
     "a\xCC\x81"
     "b\xCC\x81 cd\n",
     8},
    {"emphasis_marks_go", "a **b** *c* _d_ ~~e~~ ***f***", "a b c d e f\n"},
    {"marks_without_a_partner_stay", "2 * 3 and **open", "2 * 3 and **open\n"},
    {"snake_case_stays", "a snake_case_name", "a snake_case_name\n"},
    {"inline_code_is_exact", "use `a**b**` and ``x ` y``", "use a**b** and x ` y\n"},
    {"unclosed_code_stays", "a ` tick", "a ` tick\n"},
    {"escapes", R"(\*not\* \_this\_ \\ \`)", "*not* _this_ \\ `\n"},
    {"headings", "# One\ntext\n## Two ##\n", "One\ntext\n\nTwo\n"},
    {"hashtag_is_text", "#hashtag", "#hashtag\n"},
    {"bullets", "- one\n* two\n+ three", "• one\n• two\n• three\n"},
    {"nested_list", "- one\n  - two\n    1. three", "• one\n  ◦ two\n    1. three\n"},
    {"items_hang", "1. aaaa bbbb cccc", "1. aaaa\n   bbbb\n   cccc\n", 10},
    {"tasks", "- [ ] open\n- [x] done", "• ☐ open\n• ☑ done\n"},
    {"paragraph_of_an_item", "- one\n\n  more\n\nafter", "• one\n\n  more\n\nafter\n"},
    {"quote", "> said\n> again\n\nme", "│ said\n│ again\n\nme\n"},
    {"nested_quote", "> a\n>\n>> b", "│ a\n│\n│ │ b\n"},
    {"rule", "a\n\n---\n\nb", "a\n\n───────\n\nb\n", 8},
    {"code", "```python\nif x:\n    **y**\n```\nafter",
     "```python\nif x:\n    **y**\n```\nafter\n"},
    {"code_keeps_empty_lines", "```\na\n\nb\n```", "```\na\n\nb\n```\n"},
    {"code_of_tildes", "~~~\n```\n~~~", "~~~\n```\n~~~\n"},
    {"code_in_an_item", "1. do\n   ```sh\n   ls\n     -l\n   ```\n",
     "1. do\n   ```sh\n   ls\n     -l\n   ```\n"},
    {"code_in_a_quote", "> ```\n> a\n> ```", "│ ```\n│ a\n│ ```\n"},
    {"unclosed_code", "```\na", "```\na\n"},
    {"code_on_one_line_is_inline", "```code```", "code\n"},
    {"indented_code", "a\n\n    x = **1**\n", "a\n\n    x = **1**\n"},
    {"tabs_in_code", "```\n\tx\n```", "```\n    x\n```\n"},
    {"link", "[weir](https://w.example) and <https://x.example>",
     "weir (https://w.example) and https://x.example\n", 80},
    {"link_of_its_own_name", "[https://w.example](https://w.example)", "https://w.example\n"},
    {"brackets_are_text", "a[0] [x] (y)", "a[0] [x] (y)\n"},
    {"image", "![a cat](cat.png)", "image: a cat (cat.png)\n"},
    {"table", "| a | bb |\n|---|---:|\n| ccc | 1 |\n| `d` | 22 |",
     "a   │ bb\n────┼───\nccc │  1\nd   │ 22\n"},
    {"table_without_outer_pipes", "a | b\n--- | ---\n1 | 2", "a │ b\n──┼──\n1 │ 2\n"},
    {"table_wraps_its_cells", "| name | text |\n|-|-|\n| x | aaaa bbbb cccc |\n| y | d |",
     "name │ text\n─────┼─────────\nx    │ aaaa\n     │ bbbb\n     │ cccc\n─────┼─────────\ny    │ "
     "d\n",
     16},
    {"pipes_alone_are_text", "| a |\n| b |", "| a |\n| b |\n"},
    {"table_ends_at_text", "|a|\n|-|\n|b|\nafter", "a\n─\nb\nafter\n"},
    {"numbers_are_text", "42", "42\n"},
    {"windows_lines", "a\r\n\r\nb\r\n", "a\n\nb\n"},
    {"escape_sequences_are_shown", "\033]0;owned\007\033[2J\x9b", "␛]0;owned␇␛[2J\xEF\xBF\xBD\n"},
    {"lone_returns_are_shown", "sure\rrm -rf", "sure␍rm -rf\n"},
    {"direction_marks_are_shown",
     "a\xE2\x80\xAE"
     "b",
     "a\xEF\xBF\xBD"
     "b\n"},
    {"bad_utf8", "a\xff\xe2\x82", "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\n"},
    {"nothing", "", ""},
    {"blank_lines_only", "\n\n \n", ""},
};

class MarkdownTest : public testing::TestWithParam<MarkdownCase> {};

TEST_P(MarkdownTest, IsTheSameWhereverItIsCut) {
  const MarkdownCase& c = GetParam();
  for (const std::size_t step :
       {std::size_t{1000}, std::size_t{1}, std::size_t{2}, std::size_t{3}}) {
    SCOPED_TRACE(step);
    EXPECT_EQ(Shown(c.text, step, {.width = c.width}), c.shown);
  }
  for (std::size_t cut = 0; cut <= c.text.size(); ++cut) {
    SCOPED_TRACE(cut);
    TestScreen screen(c.width, 24);
    Markdown markdown({.width = c.width});
    screen.Write(markdown.Feed(c.text.substr(0, cut)));
    screen.Write(markdown.Feed(c.text.substr(cut)));
    screen.Write(markdown.Finish());
    EXPECT_EQ(screen.Text(), c.shown);
  }
}

INSTANTIATE_TEST_SUITE_P(Texts, MarkdownTest, testing::ValuesIn(kMarkdownCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Markdown, FinishedBlocksAreNeverWrittenAgain) {
  Markdown markdown({});
  EXPECT_THAT(markdown.Feed("First paragraph.\n\nSec"), HasSubstr("First paragraph."));
  const std::string more = markdown.Feed("ond **par") + markdown.Feed("agraph** ends.\n");
  EXPECT_THAT(more, Not(HasSubstr("First")));
  EXPECT_THAT(more, Not(HasSubstr("\033[A")));
}

TEST(Markdown, GrowingTextIsOnlyAppended) {
  Markdown markdown({});
  EXPECT_EQ(markdown.Feed("Hello"), "Hello");
  EXPECT_EQ(markdown.Feed(" there"), " there");
  EXPECT_EQ(markdown.Feed(", **you"), ", \033[1myou\033[0m");
  EXPECT_EQ(markdown.Feed("**."), ".");
  EXPECT_EQ(markdown.Finish(), "\n");
}

TEST(Markdown, MarksAreNotShownBeforeTheyAreKnown) {
  Markdown markdown({});
  EXPECT_EQ(markdown.Feed("-"), "");
  EXPECT_EQ(markdown.Feed(" "), "");
  EXPECT_EQ(markdown.Feed("milk"), "• milk");
  EXPECT_EQ(markdown.Feed(" **"), "");
  EXPECT_EQ(markdown.Feed("now"), " \033[1mnow\033[0m");
}

TEST(Markdown, AMarginThatLeavesNoRoomIsLeftOut) {
  for (const std::string_view text : {"\tabcdefgh ij", "> > > abcdefgh ij", "- - abcdefgh ij"}) {
    const MarkdownOptions narrow{.width = 5, .height = 1 << 20};
    EXPECT_EQ(Shown(text, 1, narrow), Shown(text, text.size(), narrow)) << text;
  }
}

TEST(Markdown, ATabBehindAFenceIsABlank) {
  Markdown markdown(MarkdownOptions{});
  const std::string out = markdown.Feed("~~~ a\tb\nc\n~~~\n") + markdown.Finish();
  EXPECT_THAT(out, Not(HasSubstr("\t")));
  EXPECT_THAT(out, HasSubstr("a b"));
}

TEST(Markdown, CodeIsWrittenAsItComes) {
  Markdown markdown({.colour = false});
  EXPECT_EQ(markdown.Feed("```c\n"), "```c\n");
  EXPECT_EQ(markdown.Feed("int"), "int");
  EXPECT_EQ(markdown.Feed(" x;\n``"), " x;\n");
  EXPECT_EQ(markdown.Feed("`\n"), "```\n");
}

TEST(Markdown, WithoutColourThereAreNoEscapesAndMarksStay) {
  const std::string shown =
      Shown("# Head\n\n- **b** `c`\n\n|a|b|\n|-|-|\n|1|2|\n", 1, {.colour = false});
  EXPECT_EQ(shown, "# Head\n\n• **b** `c`\n\na │ b\n──┼──\n1 │ 2\n");
  Markdown markdown({.colour = false});
  EXPECT_EQ(markdown.Feed("# Head\n**b** `c`\n"), "# Head\n**b** `c`");
}

TEST(Markdown, WhatScrolledOutIsLeftAlone) {
  std::string text = "*";
  for (int i = 0; i < 200; ++i) text += "word ";
  const std::string shown = Shown(text, 1, {.width = 20, .height = 5});
  // The mark turned out to be text, which moves what is behind it; the upper rows are history.
  EXPECT_TRUE(shown.starts_with("word word word word\n"));
  EXPECT_GE(std::ranges::count(shown, 'w'), 200);
}

TEST(Markdown, LongTextsAreSplitAtTheSamePlaceWhereverTheyAreCut) {
  std::string text;
  for (int i = 0; i < 300; ++i) StrAppend(text, "w", i, " ");
  const MarkdownOptions options{.width = 200, .height = 50, .max_block_bytes = 64};
  const std::string whole = Shown(text, text.size(), options);
  EXPECT_EQ(Shown(text, 1, options), whole);
  EXPECT_EQ(Shown(text, 7, options), whole);
}

TEST(Markdown, TheRestOfASplitLineIsTextOfTheSameQuote) {
  const MarkdownOptions options{.width = 30, .height = 50, .max_block_bytes = 16};
  const std::string words = "> twelve or more";
  EXPECT_EQ(Shown(words + " > ", 1, options), "│ twelve or more\n│ >\n");
  EXPECT_EQ(Shown(words + " > ", 100, options), "│ twelve or more\n│ >\n");
  EXPECT_EQ(Shown(words + " # no heading", 100, options), "│ twelve or more\n│ # no heading\n");
}

TEST(Markdown, ANewSizeHoldsFromTheNextBlock) {
  Markdown markdown({.width = 80});
  (void)markdown.Feed("aaaa bbbb ");
  markdown.Resize(10, 24);
  EXPECT_EQ(markdown.Feed("cccc\n\ndddd eeee ffff"), " cccc\n\ndddd eeee\nffff");
}

// Texts of pieces that mean something, so that random ones are not just paragraphs.
RC_GTEST_PROP(MarkdownLaws, CutsNeverChangeTheScreen, ()) {
  static const std::vector<std::string> kPieces = {
      "a",  "word ", "**", "*",  "_",      "`",  "```",  "\n", "\n\n", "- ", "1. ",     "# ",
      "> ", "|",     "-",  "--", "[x](y)", "  ", "    ", "~~", "日",   "\\", "|-|-|\n", "|a|b|\n"};
  const auto picks = *rc::gen::container<std::vector<std::size_t>>(
      rc::gen::inRange<std::size_t>(0, kPieces.size()));
  const auto step = *rc::gen::inRange<std::size_t>(1, 9);
  std::string text;
  for (const std::size_t pick : picks) text += kPieces[pick];

  const MarkdownOptions options{.width = 30, .height = 1000};

  RC_ASSERT(Shown(text, step, options) == Shown(text, text.size() + 1, options));
}

}  // namespace
}  // namespace weir::cli
