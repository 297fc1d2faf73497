#include "weir/agent/workspace/diff.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <unistd.h>

#include "weir/agent/workspace/lines.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;

// Texts of few different lines, so that much is alike; some without an end of line at their end.
rc::Gen<std::string> Texts() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::container<std::vector<std::string>>(
                        rc::gen::element<std::string>("a\n", "b\n", "c\n", "d\n", "\n", "a b\r\n")),
                    rc::gen::element<std::string>("", "", "end")),
      [](const std::pair<std::vector<std::string>, std::string>& made) {
        std::string text;
        for (const std::string& line : made.first) text += line;
        return text + made.second;
      });
}

std::string Follow(std::string_view from, std::string_view to) {
  const auto old_lines = LinesOf(from);
  const auto new_lines = LinesOf(to);
  std::string made;
  std::size_t at = 0;
  for (const Hunk& hunk : DiffLines(from, to)) {
    for (; at < hunk.from_begin; ++at) made += old_lines[at];
    for (std::size_t i = hunk.to_begin; i < hunk.to_end; ++i) made += new_lines[i];
    at = hunk.from_end;
  }
  for (; at < old_lines.size(); ++at) made += old_lines[at];
  return made;
}

std::size_t Edits(std::string_view from, std::string_view to) {
  std::size_t edits = 0;
  for (const Hunk& hunk : DiffLines(from, to)) {
    edits += hunk.from_end - hunk.from_begin + hunk.to_end - hunk.to_begin;
  }
  return edits;
}

// The length of the shortest edit script, by the table of all prefixes.
std::size_t LeastEdits(std::string_view from, std::string_view to) {
  const auto a = LinesOf(from);
  const auto b = LinesOf(to);
  std::vector<std::vector<std::size_t>> best(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        best[i][j] = i + j;
      } else if (a[i - 1] == b[j - 1]) {
        best[i][j] = best[i - 1][j - 1];
      } else {
        best[i][j] = 1 + std::min(best[i - 1][j], best[i][j - 1]);
      }
    }
  }
  return best[a.size()][b.size()];
}

RC_GTEST_PROP(DiffLawTest, ADiffThatIsFollowedMakesOneTextTheOther, ()) {
  const std::string from = *Texts();
  const std::string to = *Texts();
  RC_ASSERT(Follow(from, to) == to);
}

RC_GTEST_PROP(DiffLawTest, ItIsTheShortestOne, ()) {
  const std::string from = *Texts();
  const std::string to = *Texts();
  RC_ASSERT(Edits(from, to) == LeastEdits(from, to));
}

struct UnifiedCase {
  const char* from;
  const char* to;
  const char* diff;  // behind the two lines with the names
};

TEST(UnifiedDiffTest, ItSaysWhatGitSays) {
  const UnifiedCase cases[] = {
      {"", "a\n", "@@ -0,0 +1 @@\n+a\n"},
      {"a\nb\n", "", "@@ -1,2 +0,0 @@\n-a\n-b\n"},
      {"a\n", "b\n", "@@ -1 +1 @@\n-a\n+b\n"},
      {"a", "a\n", "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
      {"a\nb", "c\nb", "@@ -1,2 +1,2 @@\n-a\n+c\n b\n\\ No newline at end of file\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
       "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n"},
      {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "X\n2\n3\n4\n5\n6\n7\n8\nX\n",
       "@@ -1,4 +1,4 @@\n-1\n+X\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+X\n"},
      {"f {\n}\n", "f {\n}\ng {\n}\n", "@@ -1,2 +1,4 @@\n f {\n }\n+g {\n+}\n"},
  };
  for (const UnifiedCase& at : cases) {
    EXPECT_EQ(UnifiedDiff(at.from, at.to, "a/x", "b/x"), StrCat("--- a/x\n+++ b/x\n", at.diff));
  }
  EXPECT_EQ(UnifiedDiff("a\n", "a\n", "a/x", "b/x"), "");
}

TEST(DiffTest, TextsThatHaveNothingInCommonAreQuick) {
  std::string from;
  std::string to;
  for (int i = 0; i < 100'000; ++i) {
    StrAppend(from, "a", i, "\n");
    StrAppend(to, "b", i, "\n");
  }
  EXPECT_EQ(DiffLines(from, to).size(), 1);
}

TEST(DiffTest, LongTextsOfTheSameLinesInAnotherOrderAreRight) {
  std::string from;
  std::string to;
  for (std::size_t i = 0; i < 25'000; ++i) {
    StrAppend(from, i * 7919 % 25'013, "\n");
    StrAppend(to, i * 104'729 % 25'013, "\n");
  }
  EXPECT_EQ(Follow(from, to), to);
}

TEST(DiffTest, LongTextsOfTwoLinesAreRight) {
  std::string from;
  std::string to;
  std::uint32_t random = 1;
  for (int i = 0; i < 20'000; ++i) {
    random = random * 1664525 + 1013904223;
    from += (random >> 30) != 0 ? "x\n" : "y\n";
    to += (random >> 28 & 3) != 0 ? "y\n" : "x\n";
  }
  EXPECT_EQ(Follow(from, to), to);
}

TEST(DiffTest, ANulInTheBeginIsBinary) {
  EXPECT_TRUE(IsBinary(std::string_view("a\0b", 3)));
  EXPECT_FALSE(IsBinary("\xFF\xFE text"));
  EXPECT_FALSE(IsBinary(std::string(8000, 'x') + '\0'));
}

TEST(UnifiedDiffTest, ThePatchProgramMakesTheOtherTextOfIt) {
  if (std::system("patch --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no patch";
  const fs::path folder = fs::temp_directory_path() / ("weir-diff-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const auto write = [&](const char* name, std::string_view text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  };
  for (unsigned seed = 1; seed <= 60; ++seed) {
    unsigned random = seed;
    const auto next = [&random] { return (random = random * 1664525 + 1013904223) >> 16; };
    std::string from;
    std::string to;
    for (int i = 0; i < 40; ++i) {
      const std::string line = StrCat("line ", next() % 6, "\n");
      if (next() % 8 != 0) from += line;
      if (next() % 8 != 0) to += line;
    }
    if (next() % 3 == 0) from += "end";
    if (next() % 3 == 0) to += "end";
    const std::string diff = UnifiedDiff(from, to, "a/x", "b/x", seed % 4);
    if (diff.empty()) continue;
    write("from", from);
    write("diff", diff);
    const std::string command =
        StrCat("patch -s -o '", (folder / "made").string(), "' '", (folder / "from").string(),
               "' '", (folder / "diff").string(), "' >/dev/null");
    ASSERT_EQ(std::system(command.c_str()), 0) << diff;
    std::ifstream made(folder / "made", std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(made), {}), to) << diff;
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace weir::agent
