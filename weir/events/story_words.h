#pragma once

// Words that all sentences about events are made of.

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/json/value.h"

namespace weir::events {

// A field as text, and "" when it is none; as a whole number, and 0 when it is none.
std::string_view TextOf(json::View event, std::string_view key);
std::int64_t WholeOf(json::View event, std::string_view key);
// A text as it is, everything else as JSON; "" when there is no such field.
std::string AnyOf(json::View event, std::string_view key);

std::string FormatTime(double millis);  // "83.3 ms", "1.82 s"
std::string TimeOr(json::View millis, std::string_view otherwise);

std::string Why(json::View event);  // "http_503: busy"

}  // namespace weir::events
