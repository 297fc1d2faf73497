#pragma once

// Writes a JSON document that fits a JSON Schema: how the simulator keeps a constraint and fills
// the arguments of a tool call. A part of the language; what it cannot keep it refuses by name.

#include <string>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/sim/writer.h"

namespace weir::sim {

// A document in compact form; all declared properties are there. Served are type, properties,
// required, enum, const, items, minItems, maxItems, minLength, maxLength, the bounds of numbers,
// multipleOf, anyOf and oneOf (their first branch) and $ref within the schema. Fails with
// kUnsupportedConstraint, naming the keyword.
Result<std::string> WriteInstance(json::View schema, Writer& writer);

}  // namespace weir::sim
