#pragma once

// What no message may show of a definition: keys that stand in headers and in the environment.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/agent.h"

namespace weir::agent::mcp {

// The values of all headers, and of the variables whose names are those of secrets.
std::vector<std::string> SecretsOf(const McpServer& definition);

// `text` with those texts, and all that Redact() knows, replaced by "***".
std::string HideSecrets(std::string_view text, std::span<const std::string> secrets);

}  // namespace weir::agent::mcp
