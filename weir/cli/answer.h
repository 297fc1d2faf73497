#pragma once

// Is an answer what was asked for? The judge of `call` and `complete`.

#include "weir/cli/run_call.h"
#include "weir/model/reply.h"

namespace weir::cli {

// Fails when a whole answer is cut at the token limit, or holds nothing of what is to be shown.
Result<void> CheckAnswer(const CallRun& run, const model::Reply& reply);

}  // namespace weir::cli
