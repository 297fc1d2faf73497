#pragma once

// What the fuzz targets share.

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace weir {

// A broken property ends the run; the fuzzer keeps the input.
inline void Require(bool property) {
  if (!property) std::abort();
}

inline std::string_view FuzzText(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace weir
