#pragma once

// What switches the colours of a terminal.

#include <string_view>

namespace weir::cli {

inline constexpr std::string_view kPlain = "\033[0m";
inline constexpr std::string_view kBold = "\033[1m";
inline constexpr std::string_view kDim = "\033[2m";
inline constexpr std::string_view kRed = "\033[31m";
inline constexpr std::string_view kGreen = "\033[32m";
inline constexpr std::string_view kYellow = "\033[33m";
inline constexpr std::string_view kCyan = "\033[36m";

}  // namespace weir::cli
