#pragma once

// What `weir --version` and the User-Agent say.

#include <string_view>

namespace weir {

inline constexpr std::string_view kVersion = "0.1.0";

}  // namespace weir
