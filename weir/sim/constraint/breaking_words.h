#pragma once

// Single values to break a keyword with, where no schema describes those that do.

#include <cstddef>
#include <string_view>
#include <vector>

#include "weir/json/value.h"

namespace weir::sim {

const std::vector<json::Value>& OddValues();  // of every type, as models write them by mistake

// The odd values that obey `rest` and not `broken`.
std::vector<json::Value> Odd(json::View rest, json::View broken);

// Strings that break minLength, maxLength, pattern or format of a schema and obey its others; a
// format counts only when it is the one to break.
std::vector<json::Value> TextsBreaking(json::View schema, std::string_view keyword);

// Up to `count` different instances of a schema.
std::vector<json::Value> Sample(json::View schema, std::size_t count);

}  // namespace weir::sim
