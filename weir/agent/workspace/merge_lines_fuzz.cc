// Three texts: a merge with one side that did nothing is the other side; with equal sides it is
// that side; the sides may be swapped; and a diff, followed, makes one text the other.

#include <string>

#include "weir/agent/workspace/diff.h"
#include "weir/agent/workspace/lines.h"
#include "weir/base/fuzz_testing.h"

namespace weir::agent {
namespace {

std::string Follow(std::string_view from, std::string_view to) {
  const auto old_lines = LinesOf(from);
  const auto new_lines = LinesOf(to);
  std::string made;
  std::size_t at = 0;
  for (const Hunk& hunk : DiffLines(from, to)) {
    Require(hunk.from_begin >= at && hunk.from_end >= hunk.from_begin);
    for (; at < hunk.from_begin; ++at) made += old_lines[at];
    for (std::size_t i = hunk.to_begin; i < hunk.to_end; ++i) made += new_lines[i];
    at = hunk.from_end;
  }
  for (; at < old_lines.size(); ++at) made += old_lines[at];
  return made;
}

}  // namespace
}  // namespace weir::agent

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  using namespace weir::agent;
  std::string_view rest = FuzzText(data, size);
  std::string_view texts[3];
  for (std::string_view& text : texts) {
    const std::size_t end = std::min(rest.find('\xFF'), rest.size());
    text = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  const auto [base, ours, theirs] = texts;
  const auto merge = [](std::string_view from, std::string_view a, std::string_view b) {
    return MergeLines(from, a, b, "ours", "theirs");
  };
  Require(merge(base, ours, base).text == ours && merge(base, base, theirs).text == theirs);
  Require(merge(base, ours, ours).text == ours && merge(base, ours, ours).conflicts == 0);
  const Merged one = merge(base, ours, theirs);
  const Merged other = merge(base, theirs, ours);
  Require(one.conflicts == other.conflicts && (one.conflicts > 0 || one.text == other.text));
  Require(Follow(base, ours) == ours && Follow(ours, theirs) == theirs);
  (void)UnifiedDiff(base, ours, "a", "b", size % 5);
  return 0;
}
