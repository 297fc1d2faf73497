#pragma once

// CRC-32C (Castagnoli), as iSCSI and ext4 have it.

#include <cstdint>
#include <string_view>

namespace weir::store {

// The checksum of `bytes`. With the checksum of what stands before them as `before`, that of both
// together.
std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace weir::store
