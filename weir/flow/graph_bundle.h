#pragma once

// Schemas that refer to other files, made one: a server sees the schema, not our disk.

#include <string>

#include "weir/flow/flow.h"
#include "weir/schema/schema.h"

namespace weir::flow {

// The schema with the documents that it refers to in its `$defs`, and every reference to them led
// there. Nullopt when it refers to none, or in ways that cannot be led elsewhere: "$id", anchors,
// files that are not there.
std::optional<json::Value> Bundle(json::View schema, const std::string& base_uri,
                                  const schema::Loader& load);

}  // namespace weir::flow
