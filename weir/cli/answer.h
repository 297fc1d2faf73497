#pragma once

// Is an answer what was asked for? The judge of `call` and `complete`.

#include "weir/cli/run_call.h"
#include "weir/engine/verifier.h"
#include "weir/model/reply.h"

namespace weir::cli {

// Fails when a whole answer is cut at the token limit, breaks its constraint, or holds nothing of
// what is to be shown. `verifier` is null when the call has no constraint.
Result<void> CheckAnswer(const CallRun& run, const engine::Verifier* verifier,
                         const model::Reply& reply);

}  // namespace weir::cli
