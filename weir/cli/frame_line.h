#pragma once

// Lines of a frame on a terminal, made piece by piece.

#include <string>
#include <string_view>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/colours.h"
#include "weir/cli/markdown/character.h"

namespace weir::cli {

inline constexpr int kColumnGap = 2;

// A line that grows to the right and knows its width.
class FrameLine {
 public:
  explicit FrameLine(bool colour) : colour_(colour) {}

  void Add(std::string_view text, std::string_view colour = {}) {
    if (text.empty()) return;
    bytes_.append(static_cast<std::size_t>(std::exchange(blanks_, 0)), ' ');
    const bool coloured = colour_ && !colour.empty();
    StrAppend(bytes_, coloured ? colour : "", text, coloured ? kPlain : "");
    width_ += TextWidth(text);
  }
  // Written when something follows.
  void Blanks(int count) {
    if (count <= 0) return;
    blanks_ += count;
    width_ += count;
  }
  void PadTo(int width) { Blanks(width - width_); }
  int width() const { return width_; }
  std::string Take() { return std::move(bytes_); }

 private:
  const bool colour_;
  std::string bytes_;
  int width_ = 0;
  int blanks_ = 0;  // of it, at the end of the line
};

}  // namespace weir::cli
