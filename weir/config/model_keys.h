#pragma once

// The keys of an engine that are about its model: tools, prices, confidence.

#include "weir/config/config.h"
#include "weir/config/keys.h"

namespace weir::config {

void DescribeModel(Visitor& v, EngineConfig& engine);

}  // namespace weir::config
