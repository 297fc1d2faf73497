#pragma once

#include <string_view>

namespace weir::text {

// What model_cards.yaml says, as JSON: reading YAML at every start would cost more than all the
// rest of a short call. The build makes it.
extern const std::string_view kModelCardsJson;

}  // namespace weir::text
