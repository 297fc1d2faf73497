#pragma once

// Scoring: how likely the model finds a token that somebody else chose: a script, or the prompt.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "weir/json/value.h"
#include "weir/sim/sampler.h"

namespace weir::sim {

// `top` alternatives, best first; -1: all.
Sampled Score(const LanguageModel& model, const Passage& passage, TokenId token, std::int64_t top);

// The same with the token's probability laid down; the others share the rest as they did before.
Sampled ScoreAs(const LanguageModel& model, const Passage& passage, TokenId token, std::int64_t top,
                double probability);

// The scores of a whole prompt, each token given those before it. The first has none.
std::vector<Sampled> ScorePrompt(const LanguageModel& model, std::span<const TokenId> prompt,
                                 std::int64_t top);

// vLLM's prompt_logprobs: [null, {"15043": {"logprob": -3.2, "rank": 41, "decoded_token": "a"}}].
json::Value PromptLogprobs(const LanguageModel& model, std::span<const TokenId> prompt,
                           std::int64_t top);

}  // namespace weir::sim
