#pragma once

// One file of a row, merged into the tree.

#include <optional>
#include <string>
#include <string_view>

#include "weir/agent/workspace/review.h"
#include "weir/agent/workspace/tree.h"

namespace weir::agent {

struct ThreeFiles {
  const FileState& base;  // as the row found it
  const FileState& tree;  // as it is now
  const FileState& row;   // as the row left it
};

struct FileMerge {
  FileState result;  // what is to stand in the tree; with a conflict, what --write-conflicts writes
  bool write = false;  // it does not stand there yet
  std::optional<Conflict> conflict;
};

// `row_name` names the row in marks.
FileMerge MergeFile(std::string_view path, const ThreeFiles& files, std::string_view row_name);

}  // namespace weir::agent
