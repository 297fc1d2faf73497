#pragma once

// The worker: weir jobs work.

#include "weir/cli/command.h"

namespace weir::cli {

void AddJobsWork(CLI::App& jobs, Session& session);

}  // namespace weir::cli
