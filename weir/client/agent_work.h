#pragma once

// The body of Client::Work().

#include "weir/client/agent.h"
#include "weir/client/core.h"

namespace weir::client {

Result<WorkDone> WorkOn(Core& core, const Agent& agent, Prompt task, const WorkOptions& options);

}  // namespace weir::client
