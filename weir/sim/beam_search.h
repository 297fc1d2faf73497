#pragma once

// Beam search as vLLM's front-end does it: rounds of one token, each beam asked for twice as many
// continuations as there are beams.

#include <cstdint>
#include <vector>

#include "weir/model/sampling.h"
#include "weir/sim/prompt.h"
#include "weir/sim/sampler.h"

namespace weir::sim {

struct Beam {
  std::vector<TokenId> tokens;  // the end token last, where the beam ended by itself
  double logprob = 0;           // of all of them
};

// The best `beam_width` beams, best first. Only temperature, ignore_eos and length_penalty of the
// sampling count, as in vLLM.
std::vector<Beam> SearchBeams(const LanguageModel& model, const RenderedPrompt& prompt,
                              const model::Sampling& sampling, std::int64_t max_tokens);

}  // namespace weir::sim
