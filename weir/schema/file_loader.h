#pragma once

// Documents from folders, for schemas that refer to others.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "weir/base/limits.h"
#include "weir/schema/schema.h"

namespace weir::schema {

// "http://example.com/schemas/" -> a folder.
struct UriFolder {
  std::string prefix;
  std::filesystem::path folder;
};

struct FolderLoaderOptions {
  std::size_t max_bytes = limits::kConfigFileBytes;  // of one file
};

// Reads what stands behind the longest prefix that fits. Nothing outside of the folders is ever
// opened: a path with "..", an absolute one, or a symbolic link that leads out is refused. Fails
// with kInvalidRequest for a URI without folder, kIoError and kInvalidJson for the file.
Loader FolderLoader(std::vector<UriFolder> folders, const FolderLoaderOptions& options = {});

// One "URL=DIR", as a command line gives it. Fails with kInvalidRequest.
Result<UriFolder> ParseUriFolder(std::string_view text);

}  // namespace weir::schema
