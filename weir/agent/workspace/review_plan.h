#pragma once

// What accepting a row would do to the tree.

#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/workspace/merge_files.h"
#include "weir/agent/workspace/review.h"
#include "weir/agent/workspace/tree.h"
#include "weir/agent/workspace/workspace_record.h"

namespace weir::agent {

// The three trees of a row.
struct RowTrees {
  Tree base;
  Tree tree;
  Tree row;

  static Result<RowTrees> Open(const WorkspacePaths& paths, const std::string& source,
                               const ReviewItem& item);
};

struct PlannedFile {
  std::string path;
  FileMerge merge;
};

// Every file that would be written, first those that go, and every conflict.
Result<std::vector<PlannedFile>> PlanAccept(const RowTrees& trees, const ReviewItem& item);

// Of a file, to know it again.
std::string ChecksumOf(const FileState& file);

// A unified diff of the row, as `git apply` takes it.
Result<std::string> DiffOf(const RowTrees& trees, const ReviewItem& item);

}  // namespace weir::agent
