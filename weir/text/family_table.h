#pragma once

// Where families are written down; family.cc keeps what this makes, for Families().

#include <vector>

#include "weir/text/family.h"

namespace weir::text {

std::vector<Family> MakeFamilies();

}  // namespace weir::text
