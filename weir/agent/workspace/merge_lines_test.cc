#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/agent/workspace/diff.h"

namespace weir::agent {
namespace {

Merged Merge(std::string_view base, std::string_view ours, std::string_view theirs) {
  return MergeLines(base, ours, theirs, "the tree", "row 7");
}

struct MergeCase {
  const char* name;
  const char* base;
  const char* ours;
  const char* theirs;
  const char* text;
  std::size_t conflicts = 0;
};

TEST(MergeTest, BothSidesAreKeptWhereTheyDoNotTouch) {
  const MergeCase cases[] = {
      {"far apart", "1\n2\n3\n", "A\n2\n3\n", "1\n2\nB\n", "A\n2\nB\n"},
      {"the same twice", "1\n2\n", "1\nX\n", "1\nX\n", "1\nX\n"},
      {"the same, and one more", "1\n2\n3\n", "X\n2\n3\n", "X\n2\nY\n", "X\n2\nY\n"},
      {"one came, one went", "1\n2\n3\n", "0\n1\n2\n3\n", "1\n2\n", "0\n1\n2\n"},
      {"the same line went", "1\n2\n3\n", "1\n3\n", "1\n3\n", "1\n3\n"},
      {"all went on both sides", "1\n", "", "", ""},
      {"an end of line came", "1\n2\n3", "1\n2\n3\n", "X\n2\n3", "X\n2\n3\n"},
      {"nothing to begin with", "", "1\n", "1\n", "1\n"},
  };
  for (const MergeCase& at : cases) {
    const Merged merged = Merge(at.base, at.ours, at.theirs);
    EXPECT_EQ(merged.text, at.text) << at.name;
    EXPECT_EQ(merged.conflicts, 0) << at.name;
  }
}

TEST(MergeTest, WhatTouchesIsMarked) {
  const MergeCase cases[] = {
      {"the same line", "1\n2\n3\n", "1\nA\n3\n", "1\nB\n3\n",
       "1\n<<<<<<< the tree\nA\n=======\nB\n>>>>>>> row 7\n3\n", 1},
      {"neighbours", "1\n2\n", "A\n2\n", "1\nB\n",
       "<<<<<<< the tree\nA\n2\n=======\n1\nB\n>>>>>>> row 7\n", 1},
      {"two ends", "1\n", "1\nA\n", "1\nB\n", "1\n<<<<<<< the tree\nA\n=======\nB\n>>>>>>> row 7\n",
       1},
      {"went and changed", "1\n2\n3\n", "1\n3\n", "1\nB\n3\n",
       "1\n<<<<<<< the tree\n=======\nB\n>>>>>>> row 7\n3\n", 1},
      {"equal lines stay outside", "", "a\nx\nz\n", "a\ny\nz\n",
       "a\n<<<<<<< the tree\nx\n=======\ny\n>>>>>>> row 7\nz\n", 1},
      {"no end of line", "1", "A", "B", "<<<<<<< the tree\nA\n=======\nB\n>>>>>>> row 7\n", 1},
      {"two of them", "1\n2\n3\n", "A\n2\nA\n", "B\n2\nB\n",
       "<<<<<<< the tree\nA\n=======\nB\n>>>>>>> row 7\n2\n"
       "<<<<<<< the tree\nA\n=======\nB\n>>>>>>> row 7\n",
       2},
  };
  for (const MergeCase& at : cases) {
    const Merged merged = Merge(at.base, at.ours, at.theirs);
    EXPECT_EQ(merged.text, at.text) << at.name;
    EXPECT_EQ(merged.conflicts, at.conflicts) << at.name;
  }
}

rc::Gen<std::string> LineTexts() {
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(
                          rc::gen::element<std::string>("a\n", "b\n", "c\n", "d\n", "\n", "e")),
                      [](const std::vector<std::string>& lines) {
                        std::string text;
                        for (const std::string& line : lines) text += line;
                        return text;
                      });
}

RC_GTEST_PROP(MergeLawTest, ASideThatDidNothingGivesTheOther, ()) {
  const std::string base = *LineTexts();
  const std::string side = *LineTexts();
  RC_ASSERT(Merge(base, side, base).text == side);
  RC_ASSERT(Merge(base, base, side).text == side);
  RC_ASSERT(Merge(base, side, side).text == side);
  RC_ASSERT(Merge(base, side, side).conflicts == 0);
}

RC_GTEST_PROP(MergeLawTest, TheSidesMayBeSwapped, ()) {
  const std::string base = *LineTexts();
  const std::string ours = *LineTexts();
  const std::string theirs = *LineTexts();
  const Merged one = Merge(base, ours, theirs);
  const Merged other = Merge(base, theirs, ours);
  RC_ASSERT(one.conflicts == other.conflicts);
  if (one.conflicts == 0) RC_ASSERT(one.text == other.text);
}

}  // namespace
}  // namespace weir::agent
