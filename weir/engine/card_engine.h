#pragma once

// Makes a call what the model's card says it needs, and its reply what every caller expects: tools
// on models that have none, thinking switched the way the family wants it, thoughts and calls that
// a server left in the text taken out of it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/random.h"
#include "weir/model/engine.h"
#include "weir/text/model_card.h"

namespace weir::engine {

// How a server is told to switch thinking, where the card does not say it in words or by an effort.
enum class ThinkingField : std::uint8_t {
  kTemplate,  // chat_template_kwargs
  kOwn,       // reasoning.enable goes out as it is: the server has a field for it
  kNone,      // it cannot be told
};

struct CardOptions {
  // Of calls that name none. Empty: known from the first reply on, or from the server's list, which
  // is asked for once when a call has tools or switches thinking.
  std::string model;
  std::vector<text::ModelCard> cards;       // the user's own, before the built-in ones
  std::optional<text::ToolMode> tool_mode;  // unset: what the card says
  // Whether text is taken apart here. False for servers that always do it themselves.
  bool reads_text = true;
  ThinkingField switching = ThinkingField::kTemplate;
};

// Only chat calls are touched. A whole answer, or one whose call says `buffer`, is thoughts up to a
// closing mark that stands alone, but for models that do not think; a stream that is handed on as
// it comes is so only where the prompt must have opened the thoughts, and is then held back until
// they close. What was changed is said: repairs for what was read out of the text,
// degradations for what was asked another way. Pictures for a model whose card says that it sees
// none are kUnsupportedParam. A model for which Describe() finds no window gets that of its card.
std::unique_ptr<model::Engine> NewCardEngine(std::unique_ptr<model::Engine> next,
                                             CardOptions options, Random random);

}  // namespace weir::engine
