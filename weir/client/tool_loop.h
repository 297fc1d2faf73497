#pragma once

// The loop of Client::Run().

#include "weir/client/core.h"
#include "weir/client/tool.h"

namespace weir::client {

Result<ToolRun> RunTools(Core& core, Prompt prompt, const ToolBox& tools,
                         const RunOptions& options);

}  // namespace weir::client
