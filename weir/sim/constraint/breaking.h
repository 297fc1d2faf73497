#pragma once

// One schema turned round: what breaks one of its keywords, and none of its others if that is
// possible.

#include <cstddef>
#include <string_view>
#include <vector>

#include "weir/json/value.h"

namespace weir::sim {

// Schemas to stand in for `schema`, an object that has the keyword; the likeliest to do first. Not
// all of them do: what is beside the keyword decides. `root` is the whole document. Empty when
// nothing is known that breaks the keyword.
std::vector<json::Value> SchemasBreaking(json::View root, json::View schema,
                                         std::string_view keyword);

// `schema` with an item, or a member, that obeys `child`, whatever it says of that place itself.
json::Value WithItemAt(json::View root, json::View schema, std::size_t index, json::View child);
json::Value WithProperty(json::View schema, std::string_view name, json::View child);
std::size_t PrefixOf(json::View schema);  // items that have schemas of their own

}  // namespace weir::sim
