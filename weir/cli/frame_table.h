#pragma once

// A table in a frame: what does not fit is left out, the least needed first.

#include <string>
#include <string_view>
#include <vector>

#include "weir/cli/frame_line.h"

namespace weir::cli {

struct TableCell {
  std::string text;
  std::string_view colour = {};
};

struct TableColumn {
  std::string_view head;
  int drop = 0;        // columns of a greater one are left out first; 0: this one stays
  bool words = false;  // to the left, and cut where it is too long; otherwise a figure
  bool fills = false;  // gets what the others leave over: the last column
  int least = 6;       // of a column of words: columns that it needs at least
};

// The first column is one of words that holds names. Columns in which no cell says anything are
// left out.
class FrameTable {
 public:
  explicit FrameTable(std::vector<TableColumn> columns) : columns_(std::move(columns)) {}

  void Add(std::vector<TableCell> row) { rows_.push_back(std::move(row)); }
  std::size_t rows() const { return rows_.size(); }

  // The heads and all rows, each at most `width` columns wide.
  std::vector<std::string> Lines(int width, bool colour, bool unicode) const;

 private:
  std::vector<int> Widths(int width) const;

  std::vector<TableColumn> columns_;
  std::vector<std::vector<TableCell>> rows_;
};

}  // namespace weir::cli
