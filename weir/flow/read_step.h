#pragma once

// What the readers of steps and of agents share.

#include <vector>

#include "weir/flow/read_keys.h"

namespace weir::flow {

// The keys of sampling beside the others and in `sampling:`. Without `temperature` that key is left
// to the caller.
model::Sampling ReadAllSampling(Keys& keys, bool temperature);
// What `upper` says wins.
void LaySampling(model::Sampling upper, model::Sampling& lower);

model::Reasoning ReadReasoning(Keys& keys);
// A text or a list of them: expressions.
std::vector<Source> ReadMedia(Keys& keys);

}  // namespace weir::flow
