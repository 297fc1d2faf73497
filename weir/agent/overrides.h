#pragma once

// What a person may change of one row that is to be done again.

#include "weir/agent/agent.h"
#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/model/call.h"

namespace weir::agent {

// `call` is what the work begins with. Keys: max_turns, max_tool_calls, max_nudges,
// max_total_tokens, run_timeout (seconds), max_tokens, tool_choice, temperature (of all turns, or
// .first, .loop, .final), confidence.threshold, confidence.max_retries, and note: a text behind the
// last message of the user. Fails with kConfigError for another key, naming these, or a value that
// none takes.
Result<void> Override(Agent& agent, model::Call& call, json::View overrides);

}  // namespace weir::agent
