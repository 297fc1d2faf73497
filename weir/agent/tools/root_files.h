#pragma once

// What Root does with a file or folder that it has opened.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "weir/agent/tools/beneath.h"
#include "weir/agent/tools/root.h"

namespace weir::agent {

// What a file that is a pipe, a socket or a device is refused with.
std::string NotRegular(std::string_view path);

// The text of a regular file, of a larger one more than `max_bytes`; nothing and errno when it
// cannot be read.
std::optional<std::string> ReadWhole(int fd, std::size_t max_bytes);

// Puts a new file in the place of `name`, which is no path, in a folder. `mode` is that of the file
// that was there. Gives errno, or 0.
int ReplaceIn(int folder_fd, const std::string& name, std::string_view text,
              std::optional<mode_t> mode);

// Appends the regular files, folders and links of a folder as `prefix` and their name, until there
// are `max_entries`. Gives errno, or 0.
int ListFolder(Fd folder, const std::string& prefix, bool deep, std::size_t max_entries,
               std::vector<RootEntry>& entries);

}  // namespace weir::agent
