#pragma once

// A terminal that is just large enough to judge what was written to it. In a header only, for tests
// and fuzz targets alike.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/text.h"
#include "weir/cli/markdown/character.h"

namespace weir::cli {

// Understands what our own programs write: text, CR, LF (as a driver passes it on), cursor up,
// erase to the end of line and screen, and colours, which it forgets. Anything else it counts.
class TestScreen {
 public:
  TestScreen(int width, int height) : width_(width), height_(height) {}

  void Write(std::string_view bytes);

  // All rows, those that scrolled out first; blanks at their ends are gone, and empty rows at the
  // end.
  std::string Text() const;
  int unknown_escapes() const { return unknown_; }

 private:
  struct Place {
    std::string text = " ";
    bool covered = false;  // by the wide character to the left
  };

  std::string_view Escape(std::string_view bytes);
  void Put(char32_t code_point, std::string_view bytes);
  void LineFeed();
  std::vector<Place>& row();

  int width_;
  int height_;
  std::vector<std::vector<Place>> rows_{1};
  int at_row_ = 0;
  int column_ = 0;
  bool wraps_ = false;  // the last column was written: the next character begins a row
  int unknown_ = 0;
};

inline std::vector<TestScreen::Place>& TestScreen::row() {
  return rows_[static_cast<std::size_t>(at_row_)];
}

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
      at_row_ = std::max(at_row_ - number, std::max(0, static_cast<int>(rows_.size()) - height_));
      wraps_ = false;
      break;
    case 'J':
      rows_.resize(static_cast<std::size_t>(at_row_) + 1);
      [[fallthrough]];
    case 'K':
      if (!wraps_ && row().size() > column) row().resize(column);
      break;
    default:
      ++unknown_;
  }
  return bytes.substr(end + 1);
}

inline void TestScreen::LineFeed() {
  ++at_row_;
  column_ = 0;
  wraps_ = false;
  if (at_row_ == static_cast<int>(rows_.size())) rows_.emplace_back();
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
  if (wraps_ || column_ + width > width_) LineFeed();
  const auto end = static_cast<std::size_t>(column_) + static_cast<std::size_t>(width);
  if (row().size() < end) row().resize(end);
  row()[static_cast<std::size_t>(column_)] = {.text = std::string(bytes)};
  if (width == 2) row()[end - 1] = {.text = {}, .covered = true};
  column_ += width;
  wraps_ = column_ >= width_;
  if (wraps_) column_ = width_ - 1;
}

inline std::string TestScreen::Text() const {
  std::string all;
  for (const std::vector<Place>& row : rows_) {
    std::string text;
    for (const Place& place : row) text += place.text;
    const std::size_t end = text.find_last_not_of(' ');
    StrAppend(all, std::string_view(text).substr(0, end == text.npos ? 0 : end + 1), "\n");
  }
  const std::size_t end = all.find_last_not_of('\n');
  return end == all.npos ? "" : all.substr(0, end + 1) + "\n";
}

}  // namespace weir::cli
