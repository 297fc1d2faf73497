#pragma once

// Words of a JSON Schema that mean nothing, such as `requred`: a validator steps over them.

#include <string>
#include <vector>

#include "weir/flow/graph.h"

namespace weir::flow {

// Warnings. `what` is whose schema it is: "`output` of answer".
void CheckKeywords(json::View schema, const std::string& what, const std::string& place,
                   std::vector<Problem>& problems);

}  // namespace weir::flow
