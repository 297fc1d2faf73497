#include "weir/jobs/pace.h"

#include <gtest/gtest.h>

namespace weir::jobs {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kPaceStart = TimePoint() + seconds(100);

TEST(Pace, BeginsAtTheLimit) { EXPECT_EQ(Pace({.most = 12}).limit(), 12); }

TEST(Pace, FallsByAThirdWhenPushedBackAndNeverBelowOne) {
  Pace pace({.most = 12});
  TimePoint now = kPaceStart;
  std::vector<int> limits;
  for (int i = 0; i < 8; ++i, now += seconds(2)) {
    pace.OnPushback(now);
    limits.push_back(pace.limit());
  }
  EXPECT_EQ(limits, (std::vector<int>{8, 5, 3, 2, 1, 1, 1, 1}));
}

TEST(Pace, WhatIsPushedBackAtOnceCountsOnce) {
  Pace pace({.most = 12});
  for (int i = 0; i < 12; ++i) pace.OnPushback(kPaceStart + milliseconds(i));
  EXPECT_EQ(pace.limit(), 8);
}

TEST(Pace, RisesByOneForARoundOfAnswersUpToTheLimit) {
  Pace pace({.most = 12});
  pace.OnPushback(kPaceStart);
  for (int i = 0; i < 9; ++i) pace.OnAnswer(kPaceStart, milliseconds(5));
  EXPECT_EQ(pace.limit(), 9);
  for (int i = 0; i < 1000; ++i) pace.OnAnswer(kPaceStart, milliseconds(5));
  EXPECT_EQ(pace.limit(), 12);
}

TEST(Pace, ASlowAnswerPushesBackWhereThatIsAskedFor) {
  Pace patient({.most = 12});
  patient.OnAnswer(kPaceStart, seconds(30));
  EXPECT_EQ(patient.limit(), 12);
  Pace hasty({.most = 12, .slow = seconds(20)});
  hasty.OnAnswer(kPaceStart, seconds(30));
  EXPECT_EQ(hasty.limit(), 8);
}

}  // namespace
}  // namespace weir::jobs
