#pragma once

// How messages become one prompt, for engines that speak to the completions API. docs/engines.md
// shows each format.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::engine {

enum class PromptFormat : std::uint8_t {
  kRoles,    // [USER]\ntext\n ... [ASSISTANT]\n
  kChatMl,   // <|im_start|>user\ntext<|im_end|>\n
  kLlama3,   // <|start_header_id|>user<|end_header_id|>\n\ntext<|eot_id|>
  kMistral,  // [INST] text [/INST]
  kGemma,    // <start_of_turn>user\ntext<end_of_turn>\n
  kHarmony,  // <|start|>user<|message|>text<|end|>
  kPlain,    // the texts with empty lines between them
};

// Fails with kUnsupportedParam when a message holds what a prompt cannot: media, tool calls.
Result<std::string> PromptOf(const std::vector<model::Message>& messages, PromptFormat format);

// The texts that begin the next turn: stop texts for the answer.
std::vector<std::string> StopsOf(PromptFormat format);

std::string_view PromptFormatName(PromptFormat format);
const std::vector<std::string>& PromptFormatNames();  // in the order of the enumerators

}  // namespace weir::engine
