#pragma once

#include <string_view>

namespace weir::text {

// The text of model_cards.yaml; the build makes it.
extern const std::string_view kModelCardsYaml;

}  // namespace weir::text
