#pragma once

// Finds files by a pattern: * and ? inside a name, ** across folders.

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"

namespace weir {

// Whether a relative path has the form of `pattern`. Names that begin with a dot only match a part
// of the pattern that does, too. Linear in both for each **.
bool GlobMatches(std::string_view pattern, std::string_view path);

// The files below `folder` that match, sorted by their bytes, as paths that count from it; an
// absolute pattern gives absolute ones. Links to folders are followed where the pattern names them,
// not by **. Fails with kConfigError when a folder cannot be read.
Result<std::vector<std::string>> FindFiles(const std::string& folder, std::string_view pattern);

}  // namespace weir
