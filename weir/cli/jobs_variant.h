#pragma once

// weir jobs variant: what the jobs of a queue are worked with.

#include "weir/cli/command.h"

namespace weir::cli {

void AddJobsVariant(CLI::App& jobs, Session& session);

}  // namespace weir::cli
