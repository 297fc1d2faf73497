#pragma once

#include <string>

#include "weir/json/value.h"

namespace weir::agent {

// One object as JSON: the members of `row`, over them those of `fixed`, over them `arguments`. What
// is no object has no members.
std::string MergedInputs(json::View row, json::View fixed, json::View arguments);

}  // namespace weir::agent
