#pragma once

// Is an answer what was asked for? The judge of `call`, `complete` and `chat`.

#include "weir/cli/run_call.h"
#include "weir/model/reply.h"

namespace weir::cli {

// Fails when an answer ended before it was done (token limit, filter, abort), or holds nothing of
// what is to be shown.
Result<void> CheckAnswer(const CallRun& run, const model::Reply& reply);

}  // namespace weir::cli
