#pragma once

// The pieces that whole replies and chunks have in common, read from their JSON.

#include <optional>
#include <vector>

#include "weir/json/value.h"
#include "weir/model/reply.h"

namespace weir::wire {

model::Usage DecodeUsage(json::View usage);

// `logprobs` of a choice: an object in the form of chat ("content") or of completions ("tokens").
std::vector<model::Token> DecodeLogprobs(json::View logprobs);

// The reasoning text under either of its names. Servers that send both send the same text twice.
std::string_view ReasoningOf(json::View message);

void DecodeFinish(json::View choice, model::Finish& finish, std::string& finish_text,
                  json::Value& stop_reason);

}  // namespace weir::wire
