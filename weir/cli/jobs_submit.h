#pragma once

// weir jobs submit.

#include "weir/cli/command.h"

namespace weir::cli {

void AddJobsSubmit(CLI::App& jobs, Session& session);

}  // namespace weir::cli
