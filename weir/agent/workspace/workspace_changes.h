#pragma once

// What a row made of its copy.

#include <string>
#include <vector>

#include "weir/agent/workspace/workspace.h"
#include "weir/agent/workspace/workspace_files.h"
#include "weir/base/result.h"

namespace weir::agent {

// One folder, and what is in it.
struct Listed {
  const std::string& folder;
  const std::vector<ListedFile>& files;
};

// What differs from `base` to `made`, by path; lines are not counted yet.
Result<std::vector<Change>> CompareFolders(const Listed& base, const Listed& made);

// Counts the lines that came and went, and notes what is binary.
Result<void> CountLinesOf(Change& change, const std::string& base, const std::string& made);

}  // namespace weir::agent
