#pragma once

// The fields of an event, by name; what is not there, or of another kind, is empty, 0 or false.

#include <cstdint>
#include <span>
#include <string_view>

#include "weir/base/trace.h"

namespace weir::cli {

using EventFields = std::span<const TraceField>;

std::string_view TextIn(EventFields fields, std::string_view key);
std::int64_t WholeIn(EventFields fields, std::string_view key);  // of a double, its whole part
bool IsSetIn(EventFields fields, std::string_view key);

}  // namespace weir::cli
