#pragma once

// Playback: a Plan in the words of a reply, step by step or whole. Both forms say the same.

#include <cstddef>
#include <vector>

#include "weir/model/reply.h"
#include "weir/sim/plan.h"

namespace weir::sim {

// Appends what step `step` (0 is the first) brings: one delta of every choice that still writes.
void AppendStep(const Plan& plan, std::size_t step, std::vector<model::Delta>& out);

// The reply that all steps add up to.
model::Reply WholeReply(const Plan& plan, model::ReplyInfo info);

// The counts once `step` is done: the prompt, and what one choice has written.
model::Usage UsageAfter(const Plan& plan, std::size_t step);

}  // namespace weir::sim
