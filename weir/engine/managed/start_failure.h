#pragma once

// Why a server did not start, out of what it wrote.

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::engine {

// The last lines of a file, at most 64 KB of them, redacted; empty when there is none.
std::string LogTail(const std::string& path, std::size_t lines);

// What to do about the cause that the text shows; empty when none of the well-known ones is there.
std::string StartHint(std::string_view log);

}  // namespace weir::engine
