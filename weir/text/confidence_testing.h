#pragma once

// Tokens for tests of confidence.

#include <cmath>
#include <string>
#include <string_view>

#include "weir/model/reply.h"

namespace weir::text {

inline model::Token TokenOf(std::string_view text, double probability) {
  model::Token token{.text = std::string(text), .logprob = std::log(probability)};
  token.bytes.assign(text.begin(), text.end());
  return token;
}

}  // namespace weir::text
