#pragma once

// Logs of servers, kept from growing without end. A server writes into its log by itself, and may
// outlive whoever started it; a small process beside it looks after the size.

#include <cstdint>
#include <string>

#include <sys/types.h>

#include "weir/base/result.h"

namespace weir::engine {

inline constexpr std::int64_t kMostLogBytes = 64 << 20;

// Where the older part of a log is.
std::string OlderLog(const std::string& path);

// Once the log has more than `most` bytes they become the older part, in the place of the one
// before, and the log is empty. What is written between the copy and the cut is lost; who writes
// must append. False: it was not that large. Neither allocates, locks nor throws.
bool CutLog(int log, const char* older, std::int64_t most);

// Cuts the log whenever that is due, for as long as the process `server` lives, and longer than
// this process where need be. Fails with kIoError.
Result<void> KeepLogShort(const std::string& path, pid_t server, std::int64_t most = kMostLogBytes);

}  // namespace weir::engine
