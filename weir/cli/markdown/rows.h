#pragma once

// Styled text laid out in rows of a terminal.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::cli {

// Bits that may stand together.
enum Style : std::uint8_t {
  kNoStyle = 0,
  kStrong = 1,
  kItalic = 2,
  kCode = 4,
  kStrike = 8,
  kUnderline = 16,
  kFaint = 32,
  kHeading = 64,
};

struct Span {
  std::string text;
  std::uint8_t style = kNoStyle;

  friend bool operator==(const Span&, const Span&) = default;
};

// No two neighbours have one style.
struct Row {
  std::vector<Span> spans;
  int width = 0;

  void Add(std::string_view text, std::uint8_t style);

  friend bool operator==(const Row&, const Row&) = default;
};

// What stands to the left of a block: before its first row, and before the others.
struct Margin {
  Row first;
  Row rest;
};

// Breaks spans into rows of at most `width` columns, at blanks, beside wide characters, and inside
// words that are too long for a row. A line feed ends a row; blanks at both ends of a row go.
// There is one row at least.
std::vector<Row> Wrap(const std::vector<Span>& spans, const Margin& margin, int width);

// Appends the text of a span between the escapes that its style needs.
void AppendStyled(std::string& out, std::string_view text, std::uint8_t style);

}  // namespace weir::cli
