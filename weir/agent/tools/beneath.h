#pragma once

// Opening paths beneath a folder, and never anything else: what Root is built on.

#include <string>
#include <string_view>

#include <sys/types.h>

#include "weir/agent/tools/root.h"
#include "weir/base/fd.h"

namespace weir::agent {

inline constexpr mode_t kPermissions = 0777;  // of a file's mode

// Refuses with kInvalidRequest what no path beneath a folder looks like: an absolute path (where it
// lies in `folder`, the message says how to write it), one with more `..` than folders, a NUL, too
// many bytes. That a path passes says nothing about where it leads.
Result<void> CheckPath(std::string_view path, std::string_view folder);

// open(2) of what is beneath the folder that `folder_fd` is; "" is that folder. Not open: errno
// says why, EXDEV for what leads out, ELOOP for a link that is not followed.
Fd OpenBeneath(int folder_fd, std::string_view path, int flags, Resolving resolving);

// Whether the kernel resolves beneath.
bool HasOpenat2(int folder_fd);

}  // namespace weir::agent
