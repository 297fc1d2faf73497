#pragma once

// What belongs to a source.

#include <string>
#include <vector>

#include "weir/agent/workspace.h"
#include "weir/agent/workspace_files.h"
#include "weir/base/result.h"

namespace weir::agent {

// By path; see WorkspaceStore::Open(). `run_folder` is never of it.
Result<std::vector<ListedFile>> ListSource(const std::string& source, const std::string& run_folder,
                                           const WorkspaceStore::Options& options);

}  // namespace weir::agent
