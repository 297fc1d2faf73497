#pragma once

// The keys that profiles and the `defaults` of engines have in common.

#include "weir/config/keys.h"
#include "weir/model/sampling.h"

namespace weir::config {

void DescribeSampling(Visitor& v, model::Sampling& sampling);

}  // namespace weir::config
