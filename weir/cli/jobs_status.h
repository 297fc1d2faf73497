#pragma once

// weir jobs status.

#include "weir/cli/command.h"

namespace weir::cli {

void AddJobsStatus(CLI::App& jobs, Session& session);

}  // namespace weir::cli
