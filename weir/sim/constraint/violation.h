#pragma once

// The fault "violate": texts that break one keyword of a schema at one place.

#include <string_view>

#include "weir/base/result.h"
#include "weir/sim/constraint.h"

namespace weir::sim {

// The place is the first in the order of the schema where the keyword can be broken alone; the
// language is that of the schema with only this place turned round, and `check` is the schema
// itself. Fails with kUnsupportedConstraint when there is no such place.
Result<Stretch> ViolatingStretch(json::View schema, std::string_view keyword);

}  // namespace weir::sim
