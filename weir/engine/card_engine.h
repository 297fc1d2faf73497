#pragma once

// Makes a call what the model's card says it needs, and its reply what every caller expects: tools
// on models that have none, thinking switched the way the family wants it, thoughts and calls that
// a server left in the text taken out of it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/random.h"
#include "weir/model/engine.h"
#include "weir/text/model_card.h"

namespace weir::engine {

struct CardOptions {
  // Of calls that name none. Empty: known from the first reply on, or from the server's list, which
  // is asked for once when a call has tools or switches thinking.
  std::string model;
  std::vector<text::ModelCard> cards;       // the user's own, before the built-in ones
  std::optional<text::ToolMode> tool_mode;  // unset: what the card says
  // Whether text is taken apart here. False for servers that always do it themselves.
  bool reads_text = true;
};

// Only chat calls are touched. What was changed is said: repairs for what was read out of the text,
// degradations for what was asked another way. Pictures for a model whose card says that it sees
// none are kUnsupportedParam. A model for which Describe() finds no window gets that of its card.
std::unique_ptr<model::Engine> NewCardEngine(std::unique_ptr<model::Engine> next,
                                             CardOptions options, Random random);

}  // namespace weir::engine
