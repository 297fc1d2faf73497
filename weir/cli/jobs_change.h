#pragma once

// weir jobs retry, cancel, purge and migrate.

#include "weir/cli/command.h"

namespace weir::cli {

void AddJobsRetry(CLI::App& jobs, Session& session);
void AddJobsCancel(CLI::App& jobs, Session& session);
void AddJobsPurge(CLI::App& jobs, Session& session);
void AddJobsMigrate(CLI::App& jobs, Session& session);

}  // namespace weir::cli
