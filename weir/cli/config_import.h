#pragma once

#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/cli/command.h"

namespace weir::cli {

// Refuses names of files that are words of a flag, or stdout.
Result<void> CheckNewFile(std::string_view path);

// Writes a file where none is yet: one that is there stays as it is, which is a kConfigError.
Result<void> WriteNew(const std::string& path, std::string_view text);

// `weir config import`: another system's configuration as weir.yaml.
void AddConfigImport(CLI::App& config, Session& session);

}  // namespace weir::cli
