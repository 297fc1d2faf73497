#include "weir/base/random.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

#include "weir/base/text.h"

namespace weir {
namespace {

std::uint64_t SplitMix(std::uint64_t& state) {
  std::uint64_t z = state += 0x9E3779B97F4A7C15ULL;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
  return z ^ z >> 31;
}

}  // namespace

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) word = SplitMix(seed);
}

Random Random::FromSystem() {
  std::random_device device;
  return Random(static_cast<std::uint64_t>(device()) << 32 | device());
}

std::uint64_t Random::Next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::Below(std::uint64_t limit) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(Next()) * limit >> 64);
}

double Random::Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

std::uint64_t StableHash(const void* data, std::size_t size, std::uint64_t seed) {
  const auto* bytes = static_cast<const unsigned char*>(data);
  std::uint64_t hash = seed ^ (0xCBF29CE484222325ULL + size);
  const auto mix = [&hash](std::uint64_t word) {
    hash = std::rotl(hash ^ word * 0x9E3779B97F4A7C15ULL, 29) * 0xBF58476D1CE4E5B9ULL;
  };
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, 8);
    if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
    mix(word);
  }
  if (size > 0) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) word |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    mix(word);
  }
  return SplitMix(hash);
}

std::string HexId(Random& random, int digits) {
  std::string id;
  id.resize_and_overwrite(static_cast<std::size_t>(digits), [&](char* out, std::size_t) {
    const std::size_t size = static_cast<std::size_t>(digits);
    for (std::size_t i = 0; i < size; i += 16) {
      std::uint64_t bits = random.Next();
      for (std::size_t j = i; j < std::min(size, i + 16); ++j, bits >>= 4) {
        out[j] = kHexDigits[bits & 15];
      }
    }
    return size;
  });
  return id;
}

}  // namespace weir
