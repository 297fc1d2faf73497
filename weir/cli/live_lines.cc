#include "weir/cli/live_lines.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/markdown/character.h"

namespace weir::cli {
namespace {

constexpr std::string_view kHideCursor = "\033[?25l";
constexpr std::string_view kShowCursor = "\033[?25h";
constexpr std::string_view kBeginUpdate = "\033[?2026h";
constexpr std::string_view kEndUpdate = "\033[?2026l";
constexpr std::string_view kEraseToEndOfLine = "\033[K";
constexpr std::string_view kEraseToEndOfScreen = "\033[J";

// Columns of a line of ours: colours take none.
int LineWidth(std::string_view line) {
  int width = 0;
  while (!line.empty()) {
    const std::size_t escape = line.find('\033');
    width += TextWidth(line.substr(0, escape));
    if (escape == line.npos) break;
    const std::size_t end = line.find('m', escape);
    if (end == line.npos) break;
    line.remove_prefix(end + 1);
  }
  return width;
}

}  // namespace

int LiveLines::RowsOnScreen(Terminal::Size size) const {
  const int width = std::max(size.width, 1);
  int rows = 0;
  for (const std::string& line : drawn_) rows += std::max(1, (LineWidth(line) + width - 1) / width);
  return rows;
}

// What has scrolled out of the screen cannot be reached any more.
void LiveLines::GoToTop(std::string& out, int rows) const {
  out += '\r';
  if (rows > 0) StrAppend(out, "\033[", rows, "A");
}

std::string LiveLines::Draw(std::vector<std::string> lines, Terminal::Size size,
                            std::string_view above) {
  const bool resized = size.width != size_.width || size.height != size_.height;
  if (hidden_ && !resized && above.empty() && lines == drawn_) return {};
  std::string out;
  if (!std::exchange(hidden_, true)) out += kHideCursor;
  out += kBeginUpdate;
  const int rows = resized ? RowsOnScreen(size) : static_cast<int>(drawn_.size());
  GoToTop(out, std::min(rows, std::max(size.height - 1, 1)));
  if (resized || !above.empty()) {
    out += kEraseToEndOfScreen;
    drawn_.clear();
    StrAppend(out, above, above.empty() || above.ends_with('\n') ? "" : "\n");
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i >= drawn_.size() || lines[i] != drawn_[i]) StrAppend(out, lines[i], kEraseToEndOfLine);
    out += '\n';
  }
  out += kEraseToEndOfScreen;  // a longer frame, or what was typed meanwhile
  out += kEndUpdate;
  drawn_ = std::move(lines);
  size_ = size;
  return out;
}

std::string LiveLines::Finish(Terminal::Size size, bool erase) {
  if (!std::exchange(hidden_, false)) return {};
  std::string out;
  if (erase) {
    GoToTop(out, std::min(RowsOnScreen(size), std::max(size.height - 1, 1)));
    out += kEraseToEndOfScreen;
  }
  drawn_.clear();
  out += kShowCursor;
  return out;
}

}  // namespace weir::cli
