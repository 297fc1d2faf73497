#include "weir/engine/policy/breaker.h"

#include <gtest/gtest.h>

namespace weir::engine {
namespace {

using namespace std::chrono_literals;
using State = Breaker::State;

constexpr BreakerOptions kOptions{.failures = 2, .open_for = 10s, .trials = 1};

TEST(Breaker, OpensAfterFailuresInARowAndTellsOnce) {
  Breaker breaker(kOptions);
  const TimePoint now{};
  EXPECT_FALSE(breaker.OnFailure(now));
  EXPECT_FALSE(breaker.OnSuccess());  // not in a row
  EXPECT_FALSE(breaker.OnFailure(now));
  EXPECT_TRUE(breaker.OnFailure(now));
  EXPECT_FALSE(breaker.OnFailure(now));
  EXPECT_EQ(breaker.state(now), State::kOpen);
  EXPECT_FALSE(breaker.Admit(now));
  EXPECT_FALSE(breaker.Admit(now + 9s));
}

TEST(Breaker, LetsTrialsThroughAndClosesWhenOneSucceeds) {
  Breaker breaker(kOptions);
  TimePoint now{};
  breaker.OnFailure(now);
  breaker.OnFailure(now);
  now += 10s;
  EXPECT_EQ(breaker.state(now), State::kHalfOpen);
  EXPECT_TRUE(breaker.Admit(now));
  EXPECT_FALSE(breaker.Admit(now)) << "one trial at once";
  breaker.OnNothing();
  EXPECT_TRUE(breaker.Admit(now));
  EXPECT_TRUE(breaker.OnSuccess());
  EXPECT_EQ(breaker.state(now), State::kClosed);
}

TEST(Breaker, AFailedTrialOpensItAgainWithoutAnotherWord) {
  Breaker breaker(kOptions);
  TimePoint now{};
  breaker.OnFailure(now);
  breaker.OnFailure(now);
  now += 10s;
  EXPECT_TRUE(breaker.Admit(now));
  EXPECT_FALSE(breaker.OnFailure(now));
  EXPECT_FALSE(breaker.Admit(now + 9s));
  EXPECT_TRUE(breaker.Admit(now + 10s));
}

TEST(Breaker, ZeroFailuresMeansNever) {
  Breaker breaker({.failures = 0});
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(breaker.OnFailure(TimePoint()));
  EXPECT_TRUE(breaker.Admit(TimePoint()));
}

TEST(Breaker, OnlyErrorsOfTheEngineCount) {
  const auto http = [](int status) {
    return Error{.code = Code::kHttpStatus, .message = {}, .http_status = status};
  };
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 599}) {
    EXPECT_TRUE(BlamesEngine(http(status))) << status;
  }
  for (const int status : {400, 401, 403, 404, 413, 422}) {
    EXPECT_FALSE(BlamesEngine(http(status))) << status;
  }
  Error proxy = http(407);
  proxy.permanent = true;
  EXPECT_TRUE(BlamesEngine(proxy)) << "there is no way to the engine";
  for (const Code code : {Code::kConnectionError, Code::kTimeout, Code::kStreamTruncated}) {
    EXPECT_TRUE(BlamesEngine({.code = code, .message = {}}));
  }
  for (const Code code : {Code::kCancelled, Code::kSchemaMismatch, Code::kUnsupportedConstraint}) {
    EXPECT_FALSE(BlamesEngine({.code = code, .message = {}}));
  }
}

}  // namespace
}  // namespace weir::engine
