#pragma once

// From where a tool has its arguments: from the model what the tool's `args` speak of, all else
// from the definition, or from the row.

#include <string>
#include <string_view>

#include "weir/json/value.h"

namespace weir::agent {

// Whether a schema of arguments speaks of a member of them: in its `properties`, or in those of
// what it refers to inside of itself (`#/...`) or is combined of (allOf, anyOf, oneOf, if,
// dependentSchemas). Patterns of names speak of none.
bool SpeaksOf(json::View schema, std::string_view name);

// One object as JSON: the members of `row` that the schema does not speak of, over them those of
// `fixed`, over them `arguments`. Arguments that the schema does not speak of stand in for neither.
// What is no object has no members.
std::string MergedInputs(json::View schema, json::View row, json::View fixed, json::View arguments);

}  // namespace weir::agent
