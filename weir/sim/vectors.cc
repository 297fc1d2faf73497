#include "weir/sim/vectors.h"

#include <cmath>

#include "weir/base/random.h"

namespace weir::sim {
namespace {

constexpr int kDirections = 8;  // that one token is thrown into
constexpr double kPairWeight = 0.5;

void Throw(std::uint64_t feature, double weight, std::vector<float>& vector) {
  Random random(feature);
  for (int i = 0; i < kDirections; ++i) {
    const std::uint64_t draw = random.Next();
    const std::size_t at = (draw >> 1) % vector.size();
    vector[at] += static_cast<float>((draw & 1) != 0 ? weight : -weight);
  }
}

}  // namespace

std::vector<float> Embed(std::span<const TokenId> tokens, std::size_t dimensions,
                         std::uint64_t voice) {
  std::vector<float> vector(dimensions, 0.0F);
  Throw(voice, kPairWeight, vector);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Throw(StableHash(&tokens[i], sizeof(TokenId), voice), 1, vector);
    if (i > 0) Throw(StableHash(&tokens[i - 1], 2 * sizeof(TokenId), voice), kPairWeight, vector);
  }
  double length = 0;
  for (const float value : vector) length += static_cast<double>(value) * value;
  if (length == 0) {
    vector.front() = 1;
    return vector;
  }
  const double scale = 1 / std::sqrt(length);
  for (float& value : vector) value = static_cast<float>(value * scale);
  return vector;
}

}  // namespace weir::sim
