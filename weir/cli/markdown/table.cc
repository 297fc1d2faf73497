#include "weir/cli/markdown/table.h"

#include <algorithm>
#include <numeric>

#include "weir/base/text.h"
#include "weir/cli/markdown/inline.h"

namespace weir::cli {
namespace {

enum class Align : std::uint8_t { kLeft, kMiddle, kRight };

constexpr int kLeastColumn = 4;
constexpr std::string_view kBorder = " │ ";
constexpr std::string_view kCrossing = "─┼─";

using Cell = std::vector<Row>;

struct Table {
  std::vector<Align> aligns;
  std::vector<std::vector<std::vector<Span>>> rows;  // of cells of spans; the head first
  std::vector<int> widths;
};

Align AlignOf(std::string_view delimiter) {
  const bool left = delimiter.starts_with(':');
  const bool right = delimiter.ends_with(':');
  return left && right ? Align::kMiddle : right ? Align::kRight : Align::kLeft;
}

std::vector<Span> CellSpans(const std::string& text, bool styled) {
  if (!styled) return {Span{.text = text}};
  return ParseInline(text, Ending::kOver);
}

int NaturalWidth(const std::vector<Span>& cell) {
  Row row;
  for (const Span& span : cell) row.Add(span.text, kNoStyle);
  return row.width;
}

Table ReadTable(const std::vector<std::string>& lines, bool styled) {
  Table table;
  const std::size_t columns = TableCells(lines.front()).size();
  for (const std::string& cell : TableCells(lines[1])) table.aligns.push_back(AlignOf(cell));
  table.aligns.resize(columns, Align::kLeft);
  table.widths.resize(columns, 1);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i == 1) continue;
    std::vector<std::string> cells = TableCells(lines[i]);
    cells.resize(columns);
    auto& row = table.rows.emplace_back();
    for (std::size_t column = 0; column < columns; ++column) {
      row.push_back(CellSpans(cells[column], styled));
      if (i == 0 && styled) {
        for (Span& span : row.back()) span.style |= kStrong;
      }
      table.widths[column] = std::max(table.widths[column], NaturalWidth(row.back()));
    }
  }
  return table;
}

// Takes columns from the widest until all fit. False when that is impossible.
bool Fit(std::vector<int>& widths, int room) {
  room -= static_cast<int>(widths.size() - 1) * 3;
  int sum = std::accumulate(widths.begin(), widths.end(), 0);
  while (sum > room) {
    int& widest = *std::ranges::max_element(widths);
    if (widest <= kLeastColumn) return false;
    int second = kLeastColumn;
    for (const int& width : widths) {
      if (&width != &widest && width < widest) second = std::max(second, width);
    }
    const int cut = std::max(1, std::min(widest - second, sum - room));
    widest -= cut;
    sum -= cut;
  }
  return true;
}

void AddPadded(Row& row, const Row& text, int width, Align align, bool last) {
  const int room = std::max(0, width - text.width);
  const int left = align == Align::kLeft ? 0 : align == Align::kRight ? room : room / 2;
  row.Add(std::string(static_cast<std::size_t>(left), ' '), kNoStyle);
  for (const Span& span : text.spans) row.Add(span.text, span.style);
  if (!last) row.Add(std::string(static_cast<std::size_t>(room - left), ' '), kNoStyle);
}

std::string Repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

Row RuleRow(const std::vector<int>& widths, std::uint8_t style) {
  Row row;
  for (std::size_t column = 0; column < widths.size(); ++column) {
    if (column > 0) row.Add(kCrossing, style);
    row.Add(Repeat("─", widths[column]), style);
  }
  return row;
}

// The rows of the terminal that one row of the table takes.
std::vector<Row> LayOutRow(const Table& table, const std::vector<std::vector<Span>>& cells,
                           std::uint8_t border_style) {
  std::vector<Cell> wrapped;
  std::size_t height = 1;
  for (std::size_t column = 0; column < cells.size(); ++column) {
    wrapped.push_back(Wrap(cells[column], {}, table.widths[column]));
    height = std::max(height, wrapped.back().size());
  }
  std::vector<Row> rows(height);
  for (std::size_t i = 0; i < height; ++i) {
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column > 0) rows[i].Add(kBorder, border_style);
      const Row text = i < wrapped[column].size() ? wrapped[column][i] : Row();
      AddPadded(rows[i], text, table.widths[column], table.aligns[column],
                column + 1 == cells.size());
    }
  }
  return rows;
}

}  // namespace

std::vector<std::string> TableCells(std::string_view line) {
  line = Trim(line);
  if (line.starts_with('|')) line.remove_prefix(1);
  std::vector<std::string> cells;
  std::string cell;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size() && line[i + 1] == '|') {
      cell += line[++i];
    } else if (line[i] == '|') {
      cells.emplace_back(Trim(cell));
      cell.clear();
    } else {
      cell += line[i];
    }
  }
  if (!Trim(cell).empty() || cells.empty()) cells.emplace_back(Trim(cell));
  return cells;
}

std::vector<Row> LayOutTable(const std::vector<std::string>& lines, const TableLook& look) {
  Table table = ReadTable(lines, look.styled);
  if (!Fit(table.widths, look.width)) return {};
  const std::uint8_t border = look.styled ? kFaint : kNoStyle;
  std::vector<std::vector<Row>> bodies;
  bool any_wrapped = false;
  for (const auto& cells : table.rows) {
    bodies.push_back(LayOutRow(table, cells, border));
    any_wrapped = any_wrapped || bodies.back().size() > 1;
  }
  std::vector<Row> rows;
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    // Rows of several lines could not be told apart without a rule between them.
    if (i == 1 || (i > 1 && any_wrapped)) rows.push_back(RuleRow(table.widths, border));
    rows.insert(rows.end(), bodies[i].begin(), bodies[i].end());
  }
  if (bodies.size() == 1) rows.push_back(RuleRow(table.widths, border));
  return rows;
}

}  // namespace weir::cli
