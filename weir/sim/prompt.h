#pragma once

// Prompts as the engine is given them: a chat goes through the simulator's template, which sets
// every message between two marks, as most open models are trained.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/model/call.h"
#include "weir/sim/language/tokenizer.h"

namespace weir::sim {

// A prompt of a completions request: a text, or its tokens. Empty for chat.
struct Prompt {
  std::string_view text;
  std::span<const std::int64_t> ids;
};

struct RenderedPrompt {
  std::vector<TokenId> tokens;    // all of it
  std::vector<TokenId> question;  // what is asked: the last message of the user, or the prompt
  std::vector<TokenId> lead;      // what the answer goes on from; empty: it begins anew
};

// `ids` outside the vocabulary are left out; see UnknownToken().
RenderedPrompt Render(const model::Call& call, const Prompt& prompt);

// The first token id of the prompt that the vocabulary does not have.
std::optional<std::int64_t> UnknownToken(const Prompt& prompt);

// The prompt cut to `truncate_prompt_tokens` of the call, at the side that it names.
void TruncatePrompt(const model::Sampling& sampling, std::int64_t window,
                    std::vector<TokenId>& tokens);

// The text of the last message of the user; empty when there is none.
std::string LastUserText(const model::Call& call);

}  // namespace weir::sim
