#pragma once

// The worker: weir jobs work.

#include "weir/cli/command.h"

namespace weir::cli {

// Returns the command that it has added.
CLI::App& AddJobsWork(CLI::App& jobs, Session& session);

}  // namespace weir::cli
