#pragma once

// What no message may show of a definition: keys that stand in headers and in the environment, or
// that come from there.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/base/env.h"

namespace weir::agent::mcp {

// The values of all headers, and of the variables whose names are those of secrets. Of a value that
// names variables of `env` (${NAME}) also theirs alone.
std::vector<std::string> SecretsOf(const McpServer& definition, const Env& env);

// `text` with those texts, and all that Redact() knows, replaced by "***".
std::string HideSecrets(std::string_view text, std::span<const std::string> secrets);

}  // namespace weir::agent::mcp
