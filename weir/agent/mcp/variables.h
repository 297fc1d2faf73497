#pragma once

// Variables of the environment in `headers` and `env` of a definition: ${NAME}, as base/expand.h
// reads them.

#include <string>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/base/env.h"
#include "weir/base/result.h"

namespace weir::agent::mcp {

// What is wrong with how the definition names variables, whatever is set. No text shows a value.
std::vector<std::string> NotationProblems(const McpServer& definition);
// The variables that it names, that are not set and that have no default, each with what to do.
std::vector<std::string> MissingVariables(const McpServer& definition, const Env& env);

// The definition with the values in place of the variables. Fails with kConfigError, which holds
// all of the above.
Result<McpServer> WithVariables(const McpServer& definition, const Env& env);

}  // namespace weir::agent::mcp
