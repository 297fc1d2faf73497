#pragma once

// Pace: how many jobs a worker has under way. It falls by a third when a server pushes back (429,
// 503, or answers slower than wanted) and rises by one for each round of good answers, up to the
// limit: additive increase, multiplicative decrease.

#include "weir/base/clock.h"

namespace weir::jobs {

struct PaceOptions {
  int most = 16;
  // A call that takes longer pushes back, too; zero: time says nothing.
  Duration slow{};
  Duration rest = std::chrono::seconds(1);  // after a fall: what pushes back then is of before it
};

class Pace {
 public:
  explicit Pace(PaceOptions options) : options_(options), limit_(options.most) {}

  int limit() const { return static_cast<int>(limit_); }

  void OnAnswer(TimePoint now, Duration took);
  void OnPushback(TimePoint now);

 private:
  const PaceOptions options_;
  double limit_;
  TimePoint rests_until_{};
};

}  // namespace weir::jobs
