#include "weir/sim/vectors.h"

#include <cmath>
#include <numeric>
#include <string_view>

#include <gmock/gmock.h>

namespace weir::sim {
namespace {

std::vector<float> Of(std::string_view text, std::size_t dimensions = 256,
                      std::uint64_t voice = 0) {
  return Embed(Tokenizer::Encode(text), dimensions, voice);
}

float Dot(const std::vector<float>& a, const std::vector<float>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0F);
}

TEST(Vectors, HaveTheLengthOneInAnyDimension) {
  for (const std::size_t dimensions : {1U, 2U, 3U, 64U, 1024U, 4096U}) {
    for (const std::string_view text : {"", "a", "The moon pulls at the sea."}) {
      const std::vector<float> vector = Of(text, dimensions);
      EXPECT_EQ(vector.size(), dimensions);
      EXPECT_NEAR(Dot(vector, vector), 1, 1e-4) << dimensions << " " << text;
    }
  }
}

TEST(Vectors, TextsThatShareWordsLieNearer) {
  const std::vector<float> sea = Of("The moon pulls at the water of the sea.");

  const float near = Dot(sea, Of("The moon pulls at the water of the lake."));
  const float far = Dot(sea, Of("A compiler turns source code into instructions."));

  EXPECT_GT(near, 0.6F);
  EXPECT_LT(far, 0.4F);
  EXPECT_NEAR(Dot(sea, Of("The moon pulls at the water of the sea.")), 1, 1e-4);
}

TEST(Vectors, TheOrderOfWordsCounts) {
  EXPECT_LT(Dot(Of("dog bites man"), Of("man bites dog")), 0.999F);
}

TEST(Vectors, AnotherVoiceIsAnotherModel) {
  EXPECT_LT(Dot(Of("The moon", 256, 0), Of("The moon", 256, 1)), 0.5F);
}

}  // namespace
}  // namespace weir::sim
