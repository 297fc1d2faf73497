#pragma once

// Lines that differ (Myers' algorithm, bounded), and the merge of two sides that began alike.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir::agent {

// A stretch of lines that differs: lines [from_begin, from_end) of one became those of the other.
struct Hunk {
  std::size_t from_begin = 0;
  std::size_t from_end = 0;
  std::size_t to_begin = 0;
  std::size_t to_end = 0;

  friend bool operator==(const Hunk&, const Hunk&) = default;
};

// The shortest list of hunks; where that would take too long, a longer one that is right, too.
std::vector<Hunk> DiffLines(std::string_view from, std::string_view to);

// "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n ..." with `context` lines around; "" when they are equal. A
// missing end of line at the end is said as git does.
std::string UnifiedDiff(std::string_view from, std::string_view to, std::string_view from_name,
                        std::string_view to_name, std::size_t context = 3);

struct Merged {
  std::string text;
  std::size_t conflicts = 0;  // stretches between <<<<<<< and >>>>>>> marks
};

// What both sides did to `base`; equal changes once. `ours` and `theirs` name the sides in marks.
Merged MergeLines(std::string_view base, std::string_view ours, std::string_view theirs,
                  std::string_view ours_name, std::string_view theirs_name);

// A text that has a NUL in its first 8,000 bytes is binary, as git says.
bool IsBinary(std::string_view text);

}  // namespace weir::agent
