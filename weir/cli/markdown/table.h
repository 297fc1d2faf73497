#pragma once

// Tables: lines with pipes become aligned columns.

#include <string>
#include <vector>

#include "weir/cli/markdown/rows.h"

namespace weir::cli {

// The cells of a line of a table, without its outer pipes; \| is no border.
std::vector<std::string> TableCells(std::string_view line);

struct TableLook {
  int width = 80;      // of the terminal, margin aside
  bool styled = true;  // false: the marks inside cells stay as they are
};

// `lines` are the head, the delimiter line and the body. Columns that are too wide are wrapped.
// Empty when there are more columns than fit: such a table is shown as it was written.
std::vector<Row> LayOutTable(const std::vector<std::string>& lines, const TableLook& look);

}  // namespace weir::cli
