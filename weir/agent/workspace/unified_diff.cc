#include <algorithm>
#include <span>

#include "weir/agent/workspace/diff.h"
#include "weir/agent/workspace/lines.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

using Lines = std::vector<std::string_view>;

void AppendLine(std::string& out, char sign, std::string_view line) {
  out += sign;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

void AppendLines(std::string& out, char sign, const Lines& lines, std::size_t begin,
                 std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) AppendLine(out, sign, lines[i]);
}

// "3,4": lines count from 1, one line has no count, and no lines stand behind the line before.
std::string RangeText(std::size_t begin, std::size_t end) {
  const std::size_t count = end - begin;
  if (count == 1) return StrCat(begin + 1);
  return StrCat(count == 0 ? begin : begin + 1, ",", count);
}

// Hunks that are so near that their context meets.
void AppendGroup(std::string& out, std::span<const Hunk> hunks, const Lines& from, const Lines& to,
                 std::size_t context) {
  const std::size_t before = std::min(context, hunks.front().from_begin);
  const std::size_t after = std::min(context, from.size() - hunks.back().from_end);
  std::size_t at = hunks.front().from_begin - before;
  const std::size_t end = hunks.back().from_end + after;
  StrAppend(out, "@@ -", RangeText(at, end), " +",
            RangeText(hunks.front().to_begin - before, hunks.back().to_end + after), " @@\n");
  for (const Hunk& hunk : hunks) {
    AppendLines(out, ' ', from, at, hunk.from_begin);
    AppendLines(out, '-', from, hunk.from_begin, hunk.from_end);
    AppendLines(out, '+', to, hunk.to_begin, hunk.to_end);
    at = hunk.from_end;
  }
  AppendLines(out, ' ', from, at, end);
}

}  // namespace

std::string UnifiedDiff(std::string_view from, std::string_view to, std::string_view from_name,
                        std::string_view to_name, std::size_t context) {
  const std::vector<Hunk> hunks = DiffLines(from, to);
  if (hunks.empty()) return "";
  const Lines from_lines = LinesOf(from);
  const Lines to_lines = LinesOf(to);
  std::string out = StrCat("--- ", from_name, "\n+++ ", to_name, "\n");
  for (std::size_t begin = 0; begin < hunks.size();) {
    std::size_t end = begin + 1;
    while (end < hunks.size() &&
           hunks[end].from_begin - hunks[end - 1].from_end <= context + context) {
      ++end;
    }
    AppendGroup(out, std::span(hunks).subspan(begin, end - begin), from_lines, to_lines, context);
    begin = end;
  }
  return out;
}

}  // namespace weir::agent
