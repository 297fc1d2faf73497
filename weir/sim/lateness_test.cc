#include "weir/sim/lateness.h"

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using std::chrono::microseconds;

TEST(Lateness, TellsQuantilesAndTheMost) {
  Lateness lateness;
  for (int i = 0; i < 98; ++i) lateness.Add(microseconds(10));
  lateness.Add(microseconds(1'990));
  lateness.Add(microseconds(123'456'789));

  EXPECT_EQ(lateness.Json(), R"({"tokens":100,"p50_us":50,"p99_us":2000,"max_us":123456789})");
}

TEST(Lateness, NothingIsLateWhenNothingCame) {
  Lateness lateness;
  lateness.Add(microseconds(-5));
  lateness.Reset();

  EXPECT_EQ(lateness.Json(), R"({"tokens":0,"p50_us":0,"p99_us":0,"max_us":0})");
}

}  // namespace
}  // namespace weir::sim
