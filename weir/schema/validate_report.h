#pragma once

// Says why a value is refused, in sentences that a model can act on.

#include <cstddef>
#include <vector>

#include "weir/schema/compiled.h"
#include "weir/schema/schema.h"

namespace weir::schema {

// Only for an instance that the schema does not accept: there is always at least one violation.
std::vector<Violation> ReportViolations(const Compiled& compiled, json::View instance,
                                        std::size_t max_violations);

}  // namespace weir::schema
