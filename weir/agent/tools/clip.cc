#include "weir/agent/tools/clip.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::agent {

Clip::Clip(std::size_t max_bytes)
    : max_bytes_(max_bytes), head_bytes_(max_bytes - (max_bytes / 4)) {}

void Clip::Add(std::string_view bytes) {
  total_ += bytes.size();
  const std::size_t fits = std::min(bytes.size(), head_bytes_ - head_.size());
  head_ += bytes.substr(0, fits);
  tail_ += bytes.substr(fits);
  // Not byte by byte, and never much more than what is wanted.
  const std::size_t wanted = max_bytes_ - head_bytes_;
  if (tail_.size() > 2 * wanted) tail_.erase(0, tail_.size() - wanted);
}

std::string Clip::Take() && {
  if (!cut()) {
    head_ += tail_;
    head_ = ToUtf8(head_);
    if (head_.size() <= max_bytes_) return std::move(head_);
  }
  const std::string mark = StrCat("\n[... cut here: it has ", total_, " bytes ...]\n");
  const std::size_t room = max_bytes_ - std::min(max_bytes_, mark.size());
  const std::string head = ToUtf8(head_);
  const std::string tail = ToUtf8(cut() ? std::string_view(tail_) : head_);
  return StrCat(Utf8Prefix(head, room - (room / 4)), mark, Utf8Suffix(tail, room / 4));
}

}  // namespace weir::agent
