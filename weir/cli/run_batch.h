#pragma once

// weir run --format openai-batch: from the folder of a run to the one file that batch users expect.

#include <cstdint>
#include <optional>
#include <string>

#include "weir/base/result.h"

namespace weir::cli {

// Writes `out` (whole, or not at all) from the run in `folder`: a line for each request of `input`
// (of its first `limit`), in its order.
Result<void> WriteBatchFile(const std::string& folder, const std::string& input,
                            std::optional<std::uint64_t> limit, const std::string& out);

}  // namespace weir::cli
