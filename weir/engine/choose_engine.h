#pragma once

// The best of several candidates, chosen here, and what their log-probabilities say of an answer.
// Servers had a `best_of` once; vLLM dropped it, and no two ranked alike.

#include <memory>

#include "weir/model/engine.h"

namespace weir::engine {

// A call with `best_of` asks for that many candidates with their log-probabilities. Its reply has
// the `n` best as choices, and the rest in Reply::others, best first: those whose tokens were the
// likelier in the mean, as Confidence::mean counts them; equals stay in the server's order. Tokens
// that only were asked for to rank are left out again. Usage is what the server said, of all.
// A stream of such a call is collected first, with a routine degradation.
//
// Where ConfidenceRule is set, log-probabilities are asked for if the call does not do so, and
// every choice gets its `confidence`; of a stream it is in ReplyInfo::confidences at its end.
//
// Degradations: "best_of" when there were fewer candidates than asked for, or nothing to rank them
// by (the first ones stay), "confidence" when there are no log-probabilities. Stands below the
// defaults, which may set `best_of`. The beams of a beam search pass in the server's order.
//
// An API without a word for several answers (`several` is false, or the responses API) gets a call
// for each, 64 at most, all at once, and their usage is added up; with a seed, each has one of its
// own, counted from it. Some may fail: the answers that came count, and when none did, the first
// error.
std::unique_ptr<model::Engine> NewChooseEngine(std::shared_ptr<model::Engine> next,
                                               bool several = true);

}  // namespace weir::engine
