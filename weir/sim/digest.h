#pragma once

// Digest: the number that decides what a request is told. Equal for equal model, adapter, messages
// or prompt, tools, sampling and constraint, however the request came; ids, limits on length and
// everything else stay out, so that a longer max_tokens continues the same text.

#include <cstdint>

#include "weir/model/call.h"
#include "weir/sim/prompt.h"

namespace weir::sim {

// Temperature 0: the answer depends neither on the seed of the call nor on its other knobs.
bool IsGreedy(const model::Sampling& sampling);

std::uint64_t DigestOf(const model::Call& call, const Prompt& prompt, std::string_view model,
                       std::string_view adapter, std::uint64_t seed);

}  // namespace weir::sim
