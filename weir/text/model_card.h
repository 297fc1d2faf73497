#pragma once

// ModelCard: what is known of a model before the first call, by its name: how it writes, how much
// it takes, how its thinking is switched.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/text/family.h"

namespace weir::text {

// How tools are best offered.
enum class ToolMode : std::uint8_t {
  kNative,    // the model was trained on it, with its own marks
  kGuided,    // not trained on it: its answer is held to a schema
  kPrompted,  // described in the prompt, and read out of the text
  kNone,      // it cannot
};

// How thinking is switched on and off.
enum class ReasoningSwitch : std::uint8_t {
  kNone,            // it does not think
  kAlways,          // it always does
  kEnableThinking,  // chat_template_kwargs: enable_thinking
  kThinking,        // chat_template_kwargs: thinking
  kEffort,          // reasoning_effort
  kSystemPrompt,    // words in the system prompt
};

struct ModelCard {
  // Matches names that contain it where a word begins, in any case. '-' stands for '-', '_', ':',
  // a blank or nothing, '*' for anything; a last digit is not followed by another one. Empty
  // matches every name.
  std::string pattern;
  std::string family = "think";  // a name of Families()
  std::int64_t context = 0;      // tokens; 0: not known, the server's word counts
  std::int64_t max_output = 0;   // tokens that its makers recommend at most; 0: no word of them
  ToolMode tool_mode = ToolMode::kPrompted;
  ReasoningSwitch reasoning = ReasoningSwitch::kNone;
  std::string prompt_format;   // "chatml", "llama3", "harmony", ...; empty: not known
  std::optional<bool> vision;  // unset: not known
  // The prompt opens the thoughts when thinking is on, so that the text begins inside of them. Of
  // models that always think, those whose family does so need not say it.
  bool opens_thoughts = false;
};

// The cards that weir brings along.
std::span<const ModelCard> BuiltInCards();

// The card whose pattern matches the name ("org/Name-7B-Instruct-AWQ", a path, "name:tag") with
// most characters; of equals the first, of `own` before the built-in ones. What stands before the
// last '/' counts only when nothing matches what stands behind it. A name that no card
// knows gets a card without pattern, of the family "think".
ModelCard FindCard(std::string_view model_name, std::span<const ModelCard> own = {});

// The family of the card. Cards that were not read by CardsFromYaml() may name one that does not
// exist: then it is "think".
const Family& FamilyOf(const ModelCard& card);

// Reads `cards: [{pattern: ..., family: ..., context: ..., max_output: ..., tools: native|guided|
// prompted|none, reasoning: none|always|enable_thinking|thinking|effort|system_prompt, prompt: ...,
// vision: true|false, opens_thoughts: true|false}]`. Fails with kConfigError that names file, line
// and key, and the nearest right key or word.
Result<std::vector<ModelCard>> CardsFromYaml(std::string_view text,
                                             std::string_view file_name = "cards.yaml");

}  // namespace weir::text
