#include "weir/text/mark_finder.h"

#include "weir/base/text.h"

namespace weir::text {
namespace {

// Whether `text` begins with `mark`.
bool Begins(std::string_view text, std::string_view mark) {
  const std::string_view begin = text.substr(0, mark.size());
  return begin == mark ||
         ((mark.starts_with('<') || mark.starts_with("]<")) && EqualsIgnoreCase(begin, mark));
}

}  // namespace

void MarkFinder::Add(std::string_view text, int mark, Where where) {
  if (text.empty()) return;
  entries_.push_back({text, mark, where});
  if (where != Where::kStart) begins_[static_cast<unsigned char>(text[0])] = true;
}

MarkFinder::Hit MarkFinder::Find(std::string_view text, std::size_t from, std::size_t start,
                                 bool ends, bool begins_line) const {
  for (std::size_t at = from; at < text.size(); ++at) {
    if (at != start && !begins_[static_cast<unsigned char>(text[at])]) continue;
    const std::string_view rest = text.substr(at);
    Hit best{.at = at};
    const bool at_line = at == 0 ? begins_line : text[at - 1] == '\n';
    bool may_grow = false;
    for (const Entry& entry : entries_) {
      if (entry.where == Where::kStart && at != start) continue;
      if (entry.where == Where::kLine && !at_line) continue;
      if (rest.size() < entry.text.size()) {
        may_grow |= Begins(entry.text.substr(0, rest.size()), rest);
      } else if (entry.text.size() > best.size && Begins(rest, entry.text)) {
        best.size = entry.text.size();
        best.mark = entry.mark;
      }
    }
    if (may_grow && !ends) return {.at = at};
    if (best.size > 0) return best;
  }
  return {.at = text.size()};
}

}  // namespace weir::text
