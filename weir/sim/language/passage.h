#pragma once

// What a passage knows about its prompt. Private to the language model.

#include <span>
#include <vector>

#include "weir/sim/language/language_model.h"

namespace weir::sim {

struct Passage::Prompt {
  explicit Prompt(std::vector<TokenId> tokens);

  // What followed `token` in the prompt, once for each time.
  std::span<const TokenId> After(TokenId token) const;

  std::uint64_t hash = 0;
  std::vector<TokenId> topics;  // the first pieces of its words of content, as often as they occur

 private:
  std::vector<TokenId> before_;  // sorted
  std::vector<TokenId> after_;   // what followed each of them
};

// The end of an answer and of thoughts change places while the model thinks: the corpus has one
// mark for both.
inline TokenId Closed(TokenId token, bool thinking) {
  constexpr auto kThinkEnd = static_cast<TokenId>(Special::kThinkEnd);
  if (!thinking) return token;
  return token == kEndToken ? kThinkEnd : token == kThinkEnd ? kEndToken : token;
}

}  // namespace weir::sim
