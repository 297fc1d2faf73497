#pragma once

// Asks again when an answer is not sure enough.

#include <memory>
#include <optional>

#include "weir/model/engine.h"

namespace weir::engine {

// A call whose ConfidenceRule has a threshold is asked again, with another temperature and another
// seed, until its answer reaches it, at most max_retries times; the surest answer is delivered. How
// sure an answer is: the lowest of the mean over its first choice, of its least sure field, and of
// the names of the tools that it calls. An answer without a confidence (no log-probabilities, which
// NewChooseEngine() asks for) is taken as it is. When asking again fails, what there is is kept.
//
// Usage, attempts and cost of the reply are those of all answers. A stream is collected first, with
// a routine degradation. Event: "confidence.retry" {confidence, threshold, attempt (1 for the first
// repetition), max_retries}. Degradation: "confidence" when even the surest answer is below the
// threshold.
//
// Stands outermost: every asking is verified on its own. `default_temperature` is the engine's, for
// calls that set none; where that is not known either, a repeat is asked at 1.
std::unique_ptr<model::Engine> NewSuretyEngine(std::shared_ptr<model::Engine> next,
                                               std::optional<double> default_temperature = {});

}  // namespace weir::engine
