#pragma once

// A terminal that is just large enough to judge what was written to it. In a header only, for tests
// and fuzz targets alike.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/cli/markdown/character.h"

namespace weir::cli {

// Understands what our own programs write: text, CR, LF (as a driver passes it on), cursor up,
// erase to the end of line and screen, hiding the cursor, updates that are shown at once, and
// colours, which it forgets. Anything else it counts.
class TestScreen {
 public:
  TestScreen(int width, int height) : width_(width), height_(height) {}

  void Write(std::string_view bytes);

  // As most terminals do it: rows that were wrapped are wrapped anew, and the lowest ones show.
  void Resize(int width, int height);

  // All rows, those that scrolled out first; blanks at their ends are gone, and empty rows at the
  // end.
  std::string Text() const { return TextFrom(0); }
  // The same of those on the screen.
  std::string Shown() const { return TextFrom(static_cast<std::size_t>(top_)); }
  int unknown_escapes() const { return unknown_; }
  bool cursor_visible() const { return cursor_visible_; }
  bool updating() const { return updating_; }
  int cursor_column() const { return column_; }

 private:
  struct Place {
    std::string text = " ";
    bool covered = false;  // by the wide character to the left
  };
  using Row = std::vector<Place>;

  std::string TextFrom(std::size_t row) const;
  std::string_view Escape(std::string_view bytes);
  std::string_view PrivateMode(std::string_view bytes);
  void Put(char32_t code_point, std::string_view bytes);
  void LineFeed();
  Row& row();

  int width_;
  int height_;
  std::vector<Row> rows_{1};
  std::vector<bool> goes_on_{false};  // of each row: the next one is the rest of its line
  int top_ = 0;                       // the first row on the screen
  int at_row_ = 0;
  int column_ = 0;
  bool wraps_ = false;  // the last column was written: the next character begins a row
  bool cursor_visible_ = true;
  bool updating_ = false;
  int unknown_ = 0;
};

inline TestScreen::Row& TestScreen::row() { return rows_[static_cast<std::size_t>(at_row_)]; }

inline void TestScreen::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (bytes.front() == '\033') {
      bytes = Escape(bytes);
      continue;
    }
    const Utf8Character next = DecodeCharacter(bytes);
    Put(next.code_point, bytes.substr(0, next.length));
    bytes.remove_prefix(next.length);
  }
}

// Returns what is behind the escape.
inline std::string_view TestScreen::Escape(std::string_view bytes) {
  if (bytes.starts_with("\033[?")) return PrivateMode(bytes);
  const std::size_t end = bytes.find_first_not_of("0123456789;", 2);
  if (!bytes.starts_with("\033[") || end == bytes.npos) {
    ++unknown_;
    return bytes.substr(1);
  }
  const auto number = static_cast<int>(ParseInt(bytes.substr(2, end - 2)).value_or(1));
  const auto column = static_cast<std::size_t>(column_);
  switch (bytes[end]) {
    case 'm':
      break;
    case 'A':
      at_row_ = std::max(at_row_ - number, top_);
      wraps_ = false;
      break;
    case 'J':
      rows_.resize(static_cast<std::size_t>(at_row_) + 1);
      goes_on_.resize(rows_.size());
      [[fallthrough]];
    case 'K':
      if (!wraps_ && row().size() > column) row().resize(column);
      goes_on_[static_cast<std::size_t>(at_row_)] = false;
      break;
    default:
      ++unknown_;
  }
  return bytes.substr(end + 1);
}

inline std::string_view TestScreen::PrivateMode(std::string_view bytes) {
  const std::size_t end = bytes.find_first_not_of("0123456789;", 3);
  const bool sets = end != bytes.npos && bytes[end] == 'h';
  if (!sets && (end == bytes.npos || bytes[end] != 'l')) {
    ++unknown_;
    return bytes.substr(1);
  }
  const std::string_view mode = bytes.substr(3, end - 3);
  if (mode == "25") {
    cursor_visible_ = sets;
  } else if (mode == "2026") {
    updating_ = sets;
  } else {
    ++unknown_;
  }
  return bytes.substr(end + 1);
}

inline void TestScreen::LineFeed() {
  ++at_row_;
  column_ = 0;
  wraps_ = false;
  if (at_row_ == static_cast<int>(rows_.size())) {
    rows_.emplace_back();
    goes_on_.push_back(false);
  }
  top_ = std::max(top_, at_row_ - height_ + 1);
}

inline void TestScreen::Resize(int width, int height) {
  const std::vector<Row> rows = std::exchange(rows_, {});
  const std::vector<bool> goes_on = std::exchange(goes_on_, {});
  const auto cursor = static_cast<std::size_t>(at_row_);
  Row line;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == cursor) {
      const auto at = line.size() + static_cast<std::size_t>(column_);
      at_row_ = static_cast<int>(rows_.size() + at / static_cast<std::size_t>(width));
      column_ = static_cast<int>(at % static_cast<std::size_t>(width));
    }
    line.insert(line.end(), rows[i].begin(), rows[i].end());
    if (goes_on[i] && i + 1 < rows.size()) continue;
    do {
      auto end = std::min(line.size(), static_cast<std::size_t>(width));
      if (end < line.size() && end > 1 && line[end].covered) --end;
      const auto cut = line.begin() + static_cast<std::ptrdiff_t>(end);
      rows_.emplace_back(line.begin(), cut);
      line.erase(line.begin(), cut);
      goes_on_.push_back(!line.empty());
    } while (!line.empty());
  }
  width_ = width;
  height_ = height;
  wraps_ = false;
  top_ = std::max(0, static_cast<int>(rows_.size()) - height_);
}

inline void TestScreen::Put(char32_t code_point, std::string_view bytes) {
  if (code_point == '\n') return LineFeed();
  if (code_point == '\r') {
    column_ = 0;
    wraps_ = false;
    return;
  }
  if (code_point < 0x20 || code_point == 0x7F) {
    ++unknown_;
    return;
  }
  const int width = CharacterWidth(code_point);
  if (width == 0) {
    const int back = wraps_ ? column_ : column_ - 1;
    if (back >= 0 && back < static_cast<int>(row().size())) {
      row()[static_cast<std::size_t>(back)].text += bytes;
    }
    return;
  }
  if (wraps_ || column_ + width > width_) {
    goes_on_[static_cast<std::size_t>(at_row_)] = true;
    LineFeed();
  }
  const auto end = static_cast<std::size_t>(column_) + static_cast<std::size_t>(width);
  if (row().size() < end) row().resize(end);
  row()[static_cast<std::size_t>(column_)] = {.text = std::string(bytes)};
  if (width == 2) row()[end - 1] = {.text = {}, .covered = true};
  column_ += width;
  wraps_ = column_ >= width_;
  if (wraps_) column_ = width_ - 1;
}

inline std::string TestScreen::TextFrom(std::size_t row) const {
  std::string all;
  for (; row < rows_.size(); ++row) {
    std::string text;
    for (const Place& place : rows_[row]) text += place.text;
    const std::size_t end = text.find_last_not_of(' ');
    StrAppend(all, std::string_view(text).substr(0, end == text.npos ? 0 : end + 1), "\n");
  }
  const std::size_t end = all.find_last_not_of('\n');
  return end == all.npos ? "" : all.substr(0, end + 1) + "\n";
}

}  // namespace weir::cli
