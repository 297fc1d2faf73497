#include "weir/engine/answers.h"

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

using namespace std::chrono_literals;

TEST(EarlierAnswers, NoTimeIsCountedTwice) {
  model::Reply first;
  first.info.engine = "b";
  first.info.attempts = {{.engine = "a", .duration = 3s, .waited = 2s},
                         {.engine = "a", .duration = 1s}};
  EarlierAnswers earlier;
  earlier.Add(first, std::nullopt, 10s);
  earlier.Add(first, std::nullopt, 5s);  // clocks of others may say less

  model::Reply last;
  earlier.JoinTo(last);
  const std::vector<model::Attempt>& attempts = last.info.attempts;
  ASSERT_EQ(attempts.size(), 6U);
  EXPECT_EQ(attempts[0].duration, 3s);
  EXPECT_EQ(attempts[0].waited, 2s);
  EXPECT_EQ(attempts[1].duration, 1s);
  EXPECT_EQ(attempts[2].engine, "b");
  EXPECT_EQ(attempts[2].duration, 4s);
  EXPECT_EQ(attempts[5].duration, 0s);
}

}  // namespace
}  // namespace weir::engine
