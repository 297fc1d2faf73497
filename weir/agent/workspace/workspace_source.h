#pragma once

// What belongs to a source.

#include <string>
#include <vector>

#include "weir/agent/workspace/workspace.h"
#include "weir/agent/workspace/workspace_files.h"
#include "weir/base/result.h"

namespace weir::agent {

struct Source {
  std::vector<ListedFile> files;  // by path
  std::vector<std::string> notes;
};

// See WorkspaceStore::Open(). `run_folder` is never of it. Fails with kConfigError when
// `options.only` is no folder of the source, or a link leads to it.
Result<Source> ListSource(const std::string& source, const std::string& run_folder,
                          const WorkspaceStore::Options& options);

// Whether a link in `folder`, which is a real path, leads to something in it, and says so by a
// path that counts from the link.
bool LeadsInside(const std::string& folder, const std::string& link);

}  // namespace weir::agent
