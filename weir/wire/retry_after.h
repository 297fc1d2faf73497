#pragma once

// The header Retry-After: seconds, or a date.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::wire {

// How long to wait. A date is measured against `wall_nanos` (since 1970, UTC), or against the
// system's clock when that is unset; a past date is zero. Nullopt for what is neither.
std::optional<std::chrono::milliseconds> ParseRetryAfter(std::string_view value,
                                                         std::optional<std::int64_t> wall_nanos);

}  // namespace weir::wire
