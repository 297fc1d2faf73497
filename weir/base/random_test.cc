#include "weir/base/random.h"

#include <cstdint>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Random, SeedDecidesEveryNumberOnEveryMachine) {
  Random random(42);

  EXPECT_EQ(random.Next(), 1546998764402558742U);
  EXPECT_EQ(random.Next(), 6990951692964543102U);
  EXPECT_EQ(random.Below(1000), 680U);
  EXPECT_EQ(random.Uniform(), 0x1d9715a8e0766cp-53);
  EXPECT_EQ(HexId(random, 20), "46e5ce2ef7cd6edf8325");
}

TEST(Random, SeedsThatAreNeighboursHaveNothingInCommon) {
  Random a(1);
  Random b(2);

  for (int i = 0; i < 100; ++i) EXPECT_NE(a.Next(), b.Next());
}

TEST(Random, BelowReachesEveryValueAndNoOther) {
  Random random(7);
  int seen[10] = {};

  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t value = random.Below(10);
    ASSERT_LT(value, 10U);
    ++seen[value];
  }

  EXPECT_THAT(seen, testing::Each(testing::AllOf(testing::Gt(850), testing::Lt(1150))));
  EXPECT_EQ(random.Below(1), 0U);
}

TEST(Random, UniformStaysInItsHalfOpenInterval) {
  Random random(7);
  double sum = 0;

  for (int i = 0; i < 10'000; ++i) {
    const double value = random.Uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
  }

  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

TEST(StableHash, IsTheSameOnEveryMachine) {
  EXPECT_EQ(StableHash("", 0), 14087677454934409008U);
  EXPECT_EQ(StableHash("weir", 4), 12245233774612572626U);
  EXPECT_EQ(StableHash("weir", 4, 1), 7511294219843055374U);
  EXPECT_EQ(StableHash("nine bytes", 9), 12143434628635277197U);
}

TEST(StableHash, EveryByteAndTheLengthCount) {
  const std::string text = "0123456789abcdefg";
  const std::uint64_t hash = StableHash(text.data(), text.size());

  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] ^= 1;
    EXPECT_NE(StableHash(changed.data(), changed.size()), hash) << i;
  }
  EXPECT_NE(StableHash("\0", 1), StableHash("\0\0", 2));
}

TEST(HexId, HasTheDigitsAskedFor) {
  Random random(3);

  EXPECT_EQ(HexId(random, 0), "");
  EXPECT_THAT(HexId(random, 32), testing::MatchesRegex("[0-9a-f]{32}"));
}

}  // namespace
}  // namespace weir
