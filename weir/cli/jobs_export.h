#pragma once

// weir jobs export.

#include "weir/cli/command.h"

namespace weir::cli {

void AddJobsExport(CLI::App& jobs, Session& session);

}  // namespace weir::cli
