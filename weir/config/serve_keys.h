#pragma once

// The block of a managed server. Whoever starts servers reads it; here its older spellings, inside
// the block and beside it, are brought into the one form.

#include "weir/config/config.h"
#include "weir/config/keys.h"

namespace weir::config {

void DescribeServe(Visitor& v, EngineConfig& engine);

}  // namespace weir::config
