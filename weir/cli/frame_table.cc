#include "weir/cli/frame_table.h"

#include <algorithm>

#include "weir/cli/run_frame.h"

namespace weir::cli {
namespace {

constexpr int kHidden = -1;

}  // namespace

std::vector<int> FrameTable::Widths(int width) const {
  std::vector<int> widths;
  widths.reserve(columns_.size());
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    int widest = 0;
    for (const std::vector<TableCell>& row : rows_) {
      widest = std::max(widest, TextWidth(row[i].text));
    }
    const bool says_nothing = widest == 0 && i > 0;
    widths.push_back(says_nothing ? kHidden : std::max(widest, TextWidth(columns_[i].head)));
  }
  const auto least = [&](std::size_t i) {
    return columns_[i].words ? std::min(widths[i], columns_[i].least) : widths[i];
  };
  const auto sum = [&] {
    int all = -kColumnGap;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] != kHidden) all += least(i) + kColumnGap;
    }
    return all;
  };
  while (sum() > width) {
    std::size_t dropped = 0;
    for (std::size_t i = 1; i < widths.size(); ++i) {
      if (widths[i] != kHidden && columns_[i].drop > columns_[dropped].drop) dropped = i;
    }
    if (dropped == 0) break;
    widths[dropped] = kHidden;
  }
  // What is left over goes to the words, names first.
  int rest = std::max(width - sum(), 0);
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == kHidden || !columns_[i].words) continue;
    const int narrow = least(i);
    const int more = columns_[i].fills ? rest : std::min(rest, widths[i] - narrow);
    widths[i] = narrow + more;
    rest -= more;
  }
  widths[0] = std::min(widths[0], width);
  return widths;
}

std::vector<std::string> FrameTable::Lines(int width, bool colour, bool unicode) const {
  const std::vector<int> widths = Widths(width);
  std::vector<std::string> lines;
  lines.reserve(rows_.size() + 1);
  const auto add = [&](auto&& cell_of) {
    FrameLine line(colour);
    int end = -kColumnGap;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (widths[i] == kHidden) continue;
      end += kColumnGap + widths[i];
      if (end > width) break;
      const TableCell cell = cell_of(i);
      const std::string text = CutTo(cell.text, widths[i], unicode);
      line.PadTo(end - (columns_[i].words ? widths[i] : TextWidth(text)));
      line.Add(text, cell.colour);
    }
    lines.push_back(line.Take());
  };
  add([&](std::size_t i) {
    return TableCell{.text = std::string(columns_[i].head), .colour = i == 0 ? kBold : kDim};
  });
  for (const std::vector<TableCell>& row : rows_) add([&](std::size_t i) { return row[i]; });
  return lines;
}

}  // namespace weir::cli
