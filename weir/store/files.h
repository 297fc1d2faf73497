#pragma once

// Files that are whole or not there: what is replaced is replaced at once, so that neither a kill
// nor a full disk leaves half of it.

#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::store {

// The whole file; nothing when there is none. Fails with kConfigError when it cannot be read or is
// longer than `max_bytes`.
Result<std::optional<std::string>> ReadFile(const std::string& path, std::size_t max_bytes);

struct ReplaceOptions {
  // Waits until the bytes are on the disk, so that a power cut does not lose them either.
  bool durable = true;
  unsigned mode = 0644;  // of a new file, before the umask
};

// Writes `text` beside `path` and renames it over what stands there. Fails with kConfigError, and
// then what stood there still does.
Result<void> ReplaceFile(const std::string& path, std::string_view text,
                         const ReplaceOptions& options = {});

}  // namespace weir::store
