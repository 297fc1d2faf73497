#pragma once

// Numbers to choose from, where a language cannot say which ones are right: bounds of fractions,
// and multiples.

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "weir/json/value.h"

namespace weir::sim {

// A schema of numbers whose keywords a language can hold: a grid within the bounds in place of
// them. Nullopt when `schema` needs none, or none is found.
std::optional<json::Value> OnGrid(json::View schema);

// Numbers that break `keyword` of the schema (minimum, maximum, exclusiveMinimum, exclusiveMaximum
// or multipleOf) and obey its others. Empty when there are none.
std::vector<json::Value> NumbersBreaking(json::View schema, std::string_view keyword);

}  // namespace weir::sim
