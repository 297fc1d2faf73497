#include "weir/store/crc32c.h"

#include <array>
#include <cstddef>

namespace weir::store {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78;  // reflected
constexpr std::size_t kSlices = 8;                 // bytes that are taken at once

using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

// tables[n][b] is what the byte b does to the checksum when n more bytes follow it.
constexpr Tables MakeTables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t n = 1; n < kSlices; ++n) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[n - 1][byte];
      tables[n][byte] = (crc >> 8) ^ tables[0][crc & 0xFF];
    }
  }
  return tables;
}

constexpr Tables kTables = MakeTables();

}  // namespace

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  std::size_t i = 0;
  for (; bytes.size() - i >= kSlices; i += kSlices) {
    std::uint32_t mixed = 0;
    for (std::size_t n = 0; n < kSlices; ++n) {
      const std::uint32_t old = n < 4 ? crc >> (8 * n) : 0;
      mixed ^= kTables[kSlices - 1 - n][(old ^ static_cast<unsigned char>(bytes[i + n])) & 0xFF];
    }
    crc = mixed;
  }
  for (; i < bytes.size(); ++i) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<unsigned char>(bytes[i])) & 0xFF];
  }
  return ~crc;
}

}  // namespace weir::store
