#include "weir/cli/command.h"
#include "weir/cli/flags.h"
#include "weir/cli/jobs_change.h"
#include "weir/cli/jobs_export.h"
#include "weir/cli/jobs_status.h"
#include "weir/cli/jobs_submit.h"
#include "weir/cli/jobs_variant.h"
#include "weir/cli/jobs_work.h"

namespace weir::cli {

void AddJobsCommand(CLI::App& app, Session& session) {
  CLI::App& jobs = AddCommand(app, "jobs", "A durable queue of rows for flows, and its workers");
  RequireCommand(jobs);
  AddJobsSubmit(jobs, session);
  AddJobsWork(jobs, session);
  AddJobsStatus(jobs, session);
  AddJobsExport(jobs, session);
  AddJobsRetry(jobs, session);
  AddJobsCancel(jobs, session);
  AddJobsPurge(jobs, session);
  AddJobsVariant(jobs, session);
  AddJobsMigrate(jobs, session);
  HideCommand(AddJobsWork(app, session));  // the short name of weir jobs work
}

}  // namespace weir::cli
