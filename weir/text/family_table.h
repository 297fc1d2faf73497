#pragma once

#include <vector>

#include "weir/text/family.h"

namespace weir::text {

std::vector<Family> MakeFamilies();

}  // namespace weir::text
