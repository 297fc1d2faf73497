#pragma once

// How values and types are named in the sentences of this module.

#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/schema/compiled.h"

namespace weir::schema {

// "the number 3", "the string \"abc\"", "an object"; long ones are cut.
std::string Show(json::View value);

// "a string or null"; "no value" for 0.
std::string ShowTypes(TypeMask types);

// "a, b or c".
std::string JoinOr(const std::vector<std::string>& parts);

}  // namespace weir::schema
