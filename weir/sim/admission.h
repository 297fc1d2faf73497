#pragma once

// Admission: what a server checks before a model sees a request, with the server's own words.

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "weir/sim/core.h"

namespace weir::sim {

struct Admitted {
  const SimModel* model = nullptr;
  std::string adapter;              // empty: the base model
  std::int64_t prompt_tokens = 0;   // of all prompts together
  std::vector<std::int64_t> rooms;  // per prompt: most tokens that may be written

  const std::string& name() const { return adapter.empty() ? model->served_names[0] : adapter; }
};

std::expected<Admitted, Refusal> Admit(const SimOptions& options, const model::Call& call,
                                       std::span<const Prompt> prompts);

// Tokens of a prompt by the simulator's own tokenizer. A chat costs four more per message and three
// to begin the answer, a tool the tokens of its schema, an image or another medium 256.
std::int64_t CountPromptTokens(const model::Call& call, const Prompt& prompt);

}  // namespace weir::sim
