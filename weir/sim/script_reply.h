#pragma once

// The `reply` of a rule: what a script says that happens.

#include "weir/sim/script.h"
#include "weir/sim/script_reader.h"

namespace weir::sim {

Result<ScriptedReply> ReadScriptedReply(const ScriptReader& reader, const Place& place);

}  // namespace weir::sim
