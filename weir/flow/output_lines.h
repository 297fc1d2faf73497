#pragma once

// The lines of a run's outputs, as JSON or as CSV.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/folder.h"
#include "weir/flow/graph.h"
#include "weir/json/value.h"

namespace weir::flow {

// A named value of a line. The name `row_id` is taken: a member of that name is written as
// `row_id_`.
struct Cell {
  std::string name;
  json::View value;
};

// What a line of the node's own file has: the members of an object, else `text` or `value`.
void AppendNodeCells(json::View value, std::vector<Cell>& cells);
// What it adds to a flattened line: `node.member` for each, else `node`.
void AppendFlatCells(std::string_view node, json::View value, std::vector<Cell>& cells);

// {"row_id": ..., cells} and a line break.
void AppendJsonLine(std::string& out, std::string_view row_id, const std::vector<Cell>& cells);

// {"row_id", "node", "error", "class", "message", ...} and a line break; messages are redacted.
void AppendErrorLine(std::string& out, const RowError& error, std::uint64_t row);

// The cells of the values that a node can give, as far as its definition says: the properties of
// its schema, the fields of a `set`, a text. Empty when it does not say.
std::vector<std::string> KnownNodeColumns(const GraphNode& node);
std::vector<std::string> KnownFlatColumns(const GraphNode& node);

// The columns of one CSV output: `row_id`, one for each name, and `extra`, which takes what has
// none, as a JSON object.
class CsvColumns {
 public:
  CsvColumns() = default;
  explicit CsvColumns(std::vector<std::string> names);
  // Of what Header() gave; nothing for other fields.
  static std::optional<CsvColumns> FromHeader(const std::vector<std::string>& fields);

  bool known() const { return !extra_.empty(); }
  std::string Header() const;
  void AppendLine(std::string& out, std::string_view row_id, const std::vector<Cell>& cells) const;

 private:
  std::vector<std::string> names_;
  std::string extra_;  // the last column's name; "extra_" where `extra` is taken
};

}  // namespace weir::flow
