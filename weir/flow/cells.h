#pragma once

// What the cells of a table are, by the schema of a row: "7" of a column that is an integer is 7.

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/builder.h"
#include "weir/json/value.h"

namespace weir::flow {

class CellReader {
 public:
  // `schema` is that of a row, and outlives it; a view of nothing: all cells are texts.
  CellReader(json::View schema, const std::vector<std::string>& columns);

  // Adds the cell as a member of the open object. A cell that is empty is null where that may be,
  // and left out where its column need not be there. Fails with kInvalidRequest and what the column
  // wants: "column \"age\" has \"x\", and ...".
  Result<void> Add(std::size_t column, const std::string& cell, json::Builder& object) const;

 private:
  struct Column {
    std::string name;
    std::vector<std::string> types;  // empty: any, which is a text
    bool required = false;

    bool Takes(std::string_view type) const;
  };

  std::vector<Column> columns_;
};

}  // namespace weir::flow
