#pragma once

// Is an answer what was asked for? The judge of `call` and `complete`.

#include <optional>

#include "weir/cli/run_call.h"
#include "weir/model/reply.h"

namespace weir::cli {

// Fails when a whole answer is cut at the token limit, breaks its constraint, or holds nothing of
// what is to be shown.
Result<void> CheckAnswer(const CallRun& run, const model::Reply& reply);

// The part of the call's constraint that CheckAnswer() does not look at, if there is one.
std::optional<model::Degradation> UncheckedPart(const model::Call& call);

}  // namespace weir::cli
