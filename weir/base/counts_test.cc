#include "weir/base/counts.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

TEST(CountsTest, NegativeAndImpossibleNumbersAreNoCounts) {
  EXPECT_TRUE(IsCount(0));
  EXPECT_TRUE(IsCount(kMostCount));
  EXPECT_FALSE(IsCount(-1));
  EXPECT_FALSE(IsCount(kMostCount + 1));
}

TEST(CountsTest, SumsAndProductsEndAtTheLargestNumber) {
  EXPECT_EQ(AddCapped(2, 3), 5);
  EXPECT_EQ(AddCapped(kLargest, 0), kLargest);
  EXPECT_EQ(AddCapped(kLargest, 1), kLargest);
  EXPECT_EQ(MultiplyCapped(2, 3), 6);
  EXPECT_EQ(MultiplyCapped(std::int64_t{1} << 62, 3), kLargest);
  EXPECT_EQ(MultiplyCapped(kLargest, 0), 0);
}

}  // namespace
}  // namespace weir
