#pragma once

// Plays bytes into a LineReader and keeps copies of all that came out.

#include <cstddef>
#include <string>
#include <vector>

#include "weir/http/cut_testing.h"
#include "weir/http/line_reader.h"

namespace weir::http {

struct LinesRead {
  std::vector<std::string> lines;
  bool failed = false;

  friend bool operator==(const LinesRead&, const LinesRead&) = default;
};

// Every piece is fed from memory of its own, which is gone before the next piece comes.
inline LinesRead PlayLines(std::size_t max_line_bytes, const Pieces& pieces) {
  LineReader reader(max_line_bytes);
  LinesRead out;
  std::string_view line;
  for (const std::string_view piece : pieces) {
    const std::vector<char> bytes(piece.begin(), piece.end());
    if (!reader.Feed(std::string_view(bytes.data(), bytes.size()))) break;
    while (reader.Next(line)) out.lines.emplace_back(line);
  }
  out.failed = !reader.Finish().has_value();
  while (reader.Next(line)) out.lines.emplace_back(line);
  return out;
}

}  // namespace weir::http
