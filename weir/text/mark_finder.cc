#include "weir/text/mark_finder.h"

namespace weir::text {

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
        may_grow |= entry.text.starts_with(rest);
      } else if (rest.starts_with(entry.text) && entry.text.size() > best.size) {
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
