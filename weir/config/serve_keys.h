#pragma once

// The keys of a managed server, in their block and, as older files have them, beside it.

#include "weir/config/config.h"
#include "weir/config/keys.h"

namespace weir::config {

void DescribeServe(Visitor& v, EngineConfig& engine);

}  // namespace weir::config
