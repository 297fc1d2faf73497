#pragma once

// weir run --dry-run: what would be asked, and about how much.

#include "weir/async/loop.h"
#include "weir/cli/flow_files.h"
#include "weir/flow/rows.h"
#include "weir/flow/run.h"

namespace weir::cli {

// Shows the calls of the first row that need no answer of another step, and estimates the tokens of
// all rows. Reads the rows to their end, or to Ctrl-C: then the plan is of those that came. Returns
// the exit code.
int ShowPlan(async::Loop& loop, Session& session, const LoadedFlow& loaded, flow::RowSource& rows,
             flow::EngineHost& host, const flow::RunOptions& options);

}  // namespace weir::cli
