#pragma once

#include "weir/cli/command.h"

namespace weir::cli {

// `weir config import`: another system's configuration as weir.yaml.
// Refuses names of files that are words of a flag, or stdout.
Result<void> CheckNewFile(std::string_view path);

void AddConfigImport(CLI::App& config, Session& session);

}  // namespace weir::cli
