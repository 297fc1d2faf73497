#pragma once

// Vectors: embeddings of texts. Tokens and pairs of tokens are thrown into a fixed number of
// directions by their hash, so that texts that share words lie near each other.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "weir/sim/language/tokenizer.h"

namespace weir::sim {

// A vector of length 1; a text without tokens gets one too. `voice` is another model.
std::vector<float> Embed(std::span<const TokenId> tokens, std::size_t dimensions,
                         std::uint64_t voice);

}  // namespace weir::sim
