#pragma once

// The client's half of POST /v1/embeddings and the tokens of vLLM's POST /tokenize.

#include <string_view>

#include "weir/base/result.h"
#include "weir/model/embedding.h"
#include "weir/wire/codec.h"

namespace weir::wire {

// Fails with kInvalidRequest when there is no text.
Result<EncodedRequest> EncodeEmbeddings(const model::EmbedCall& call);
// Vectors as lists of numbers or as packed floats in base64, put in the order of their index.
Result<model::Embeddings> DecodeEmbeddings(std::string_view body);

// The answer of /tokenize; EncodeCount() asks.
Result<model::Tokens> DecodeTokens(std::string_view body);

}  // namespace weir::wire
