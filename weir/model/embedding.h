#pragma once

// What a server does beside answering: embeddings and tokens.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/json/value.h"
#include "weir/model/reply.h"

namespace weir::model {

struct EmbedCall {
  std::string model;                       // empty: the engine's own
  std::vector<std::string> texts;          // at least one
  std::optional<std::int64_t> dimensions;  // shorter vectors, of models that were trained for it
  bool as_base64 = true;  // ask for packed floats, which are a quarter of the text, where it can be
  json::Value extra;      // raw body fields, an object
};

struct Embeddings {
  std::string id;            // what the server calls the answer, if anything
  std::int64_t created = 0;  // seconds since 1970; 0: it did not say
  std::string model;
  std::vector<std::vector<float>> vectors;  // in the order of the texts
  Usage usage;
};

struct Tokens {
  std::vector<std::int64_t> ids;
  std::optional<std::int64_t> max_model_len;
};

}  // namespace weir::model
