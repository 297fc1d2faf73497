#pragma once

// What happens in and around agents, in words.

#include <optional>
#include <string>
#include <string_view>

#include "weir/json/value.h"

namespace weir::events {

// Without the name of the agent. Nullopt: the event is none of theirs.
std::optional<std::string> TellAgent(std::string_view name, json::View event);

}  // namespace weir::events
