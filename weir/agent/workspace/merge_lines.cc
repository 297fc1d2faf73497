#include <algorithm>
#include <span>

#include "weir/agent/workspace/diff.h"
#include "weir/agent/workspace/lines.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

using Lines = std::vector<std::string_view>;
using Part = std::span<const std::string_view>;

void Append(std::string& out, Part lines) {
  for (const std::string_view line : lines) out += line;
}

// One side of a merge: what it made of the base, hunk by hunk.
class Side {
 public:
  Side(std::string_view base, std::string_view text)
      : lines_(LinesOf(text)), hunks_(DiffLines(base, text)) {}

  bool done() const { return next_ == hunks_.size(); }
  // Where in the base the next change begins; behind all when there is none.
  std::size_t next_begin() const { return done() ? std::string::npos : hunks_[next_].from_begin; }
  std::size_t next_end() const { return hunks_[next_].from_end; }
  void Take() { ++next_; }
  void BeginGroup() { group_ = next_; }
  bool changed() const { return group_ < next_; }  // something was taken since BeginGroup()

  // What stands in the place of lines [begin, end) of the base, which hold the whole group.
  Part Instead(std::size_t begin, std::size_t end) const {
    const std::size_t first = ToPlace(begin, group_);
    return Part(lines_).subspan(first, ToPlace(end, next_) - first);
  }

 private:
  // The place of a line of the base that stands behind `hunks` hunks.
  std::size_t ToPlace(std::size_t base, std::size_t hunks) const {
    if (hunks == 0) return base;
    return base - hunks_[hunks - 1].from_end + hunks_[hunks - 1].to_end;
  }

  const Lines lines_;
  const std::vector<Hunk> hunks_;
  std::size_t next_ = 0;
  std::size_t group_ = 0;
};

// What both sides have at the begin and at the end stands outside the marks.
void AppendConflict(std::string& out, Part ours, Part theirs, std::string_view ours_name,
                    std::string_view theirs_name) {
  const auto begin = std::ranges::mismatch(ours, theirs);
  const auto same = static_cast<std::size_t>(begin.in1 - ours.begin());
  Append(out, ours.first(same));
  ours = ours.subspan(same);
  theirs = theirs.subspan(same);
  std::size_t tail = 0;
  while (tail < ours.size() && tail < theirs.size() &&
         ours[ours.size() - 1 - tail] == theirs[theirs.size() - 1 - tail]) {
    ++tail;
  }
  EndLine(out);
  StrAppend(out, "<<<<<<< ", ours_name, "\n");
  Append(out, ours.first(ours.size() - tail));
  EndLine(out);
  out += "=======\n";
  Append(out, theirs.first(theirs.size() - tail));
  EndLine(out);
  StrAppend(out, ">>>>>>> ", theirs_name, "\n");
  Append(out, ours.last(tail));
}

}  // namespace

Merged MergeLines(std::string_view base, std::string_view ours, std::string_view theirs,
                  std::string_view ours_name, std::string_view theirs_name) {
  const Lines lines = LinesOf(base);
  Side us(base, ours);
  Side them(base, theirs);
  Merged merged;
  std::size_t at = 0;
  while (!us.done() || !them.done()) {
    us.BeginGroup();
    them.BeginGroup();
    const std::size_t begin = std::min(us.next_begin(), them.next_begin());
    std::size_t end = begin;
    // Changes that touch are one: which of them comes first, nobody can know.
    for (bool grew = true; grew;) {
      grew = false;
      for (Side* side : {&us, &them}) {
        if (side->done() || side->next_begin() > end) continue;
        end = std::max(end, side->next_end());
        side->Take();
        grew = true;
      }
    }
    Append(merged.text, Part(lines).subspan(at, begin - at));
    at = end;
    const Part mine = us.Instead(begin, end);
    const Part yours = them.Instead(begin, end);
    if (!them.changed() || std::ranges::equal(mine, yours)) {
      Append(merged.text, mine);
    } else if (!us.changed()) {
      Append(merged.text, yours);
    } else {
      ++merged.conflicts;
      AppendConflict(merged.text, mine, yours, ours_name, theirs_name);
    }
  }
  Append(merged.text, Part(lines).subspan(at));
  return merged;
}

}  // namespace weir::agent
