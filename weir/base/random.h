#pragma once

// Randomness enters through here, so that a seed decides everything in a test.

#include <cstdint>
#include <string>

namespace weir {

// A small fast generator (xoshiro256**), seeded by one number. Not for secrets.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  static Random FromSystem();  // seeded by the operating system

  std::uint64_t Next();
  std::uint64_t Below(std::uint64_t limit);  // uniform in [0, limit); limit > 0
  double Uniform();                          // uniform in [0, 1)

 private:
  std::uint64_t state_[4];
};

// A 64-bit hash of bytes that is the same on every machine and in every version of weir.
std::uint64_t StableHash(const void* data, std::size_t size, std::uint64_t seed = 0);

// `digits` lowercase hexadecimal characters: request, trace and span ids.
std::string HexId(Random& random, int digits);

}  // namespace weir
