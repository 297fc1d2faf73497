#pragma once

// Times as people write them behind --at and --older-than.

#include <cstdint>
#include <string_view>

#include "weir/base/result.h"

namespace weir::cli {

// "90s", "10m", "1h30m", "7d": whole numbers with ms, s, m, h, d or w, as milliseconds. At most a
// hundred years.
Result<std::int64_t> ParseSpan(std::string_view text);

// Milliseconds since 1970: "2026-01-31", "2026-01-31T23:59", also with seconds, parts of them and
// Z or an offset (UTC without one); or "+10m", which counts from `now_ms`.
Result<std::int64_t> ParseMoment(std::string_view text, std::int64_t now_ms);

}  // namespace weir::cli
