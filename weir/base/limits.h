#pragma once

// Default maxima. Everything that is fed from outside has one, each is an option where it is used,
// and these are the values of those options when nobody says otherwise.

#include <cstddef>

namespace weir::limits {

inline constexpr std::size_t kHeaderBytes = 64 * 1024;      // one message head, all lines
inline constexpr std::size_t kHeaderFields = 256;           // header lines of one message
inline constexpr std::size_t kRequestBodyBytes = 64 << 20;  // what our servers accept
inline constexpr std::size_t kReplyBodyBytes = 256 << 20;   // a whole reply held in memory
inline constexpr std::size_t kErrorBodyBytes = 64 * 1024;   // an error page we look into
inline constexpr std::size_t kSseEventBytes = 16 << 20;     // one event of a stream
inline constexpr std::size_t kJsonDepth = 512;              // nesting of one document
inline constexpr std::size_t kConfigFileBytes = 16 << 20;   // a configuration or script file
inline constexpr std::size_t kStdinBytes = 64 << 20;        // a prompt read from a pipe

}  // namespace weir::limits
