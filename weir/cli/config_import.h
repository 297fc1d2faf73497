#pragma once

#include "weir/cli/command.h"

namespace weir::cli {

// `weir config import`: another system's configuration as weir.yaml.
void AddConfigImport(CLI::App& config, Session& session);

}  // namespace weir::cli
