#pragma once

// What OpenAI's own models and servers take otherwise than others do.

#include <cstddef>
#include <string_view>

#include "weir/model/call.h"

namespace weir::wire {

// The most stop texts that OpenAI takes.
inline constexpr std::size_t kOpenAiStops = 4;

// Whether the model of the call decides itself how it samples, and refuses to be told: OpenAI's
// reasoning models (o1, o3, o4, gpt-5 ... but not gpt-5-chat), unless the effort is "none". The
// name may have the prefix of a router or of a fine-tuned model.
bool ChoosesItsSampling(const model::Call& call);

}  // namespace weir::wire
