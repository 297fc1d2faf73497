#pragma once

#include <memory>

#include "weir/agent/agent.h"
#include "weir/agent/tools/tool.h"

namespace weir::agent {

// run_command: programs of `definition.allow`, which is not empty, with arguments of the model.
// What they say is the result, whatever their exit code, which is told: a test that fails is no
// failure of the tool.
std::unique_ptr<Tool> NewCommandTool(model::ToolSpec spec, bool mutates,
                                     const ToolDefinition& definition);

}  // namespace weir::agent
