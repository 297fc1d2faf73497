#pragma once

// What a line of markdown is, told by its beginning.

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::cli {

enum class LineKind : std::uint8_t {
  kUnknown,  // a part of a line that may still become several things
  kBlank,
  kText,
  kIndented,  // four columns or more; code, unless it goes on with a list
  kHeading,
  kItem,  // of a list
  kRule,
  kFence,      // opens a block of code
  kPipe,       // begins with |
  kDelimiter,  // the line below a table's head: |---|:--:|
};

struct Line {
  LineKind kind = LineKind::kUnknown;
  int quotes = 0;      // > in front of it
  int indent = 0;      // columns of white space behind those
  int level = 0;       // kHeading: 1 to 6; kFence: how many marks
  std::string marker;  // kItem: "-", "3."; kFence: "`" or "~"
  std::string text;    // without all that; of kIndented with what is above four columns
};

enum class LinePart : std::uint8_t {
  kBegun,  // more of it may come
  kWhole,
};

// A line without its line feed. What a beginning is known to be, the whole line is: only kUnknown
// turns into something else.
Line ClassifyLine(std::string_view line, LinePart part);

// Takes up to `quotes` marks and then up to `indent` columns from the front of a line of code.
std::string_view StripCodeMargin(std::string_view line, int quotes, int indent);

}  // namespace weir::cli
