#include "weir/jobs/pace.h"

#include <algorithm>

namespace weir::jobs {
namespace {

constexpr double kFall = 2.0 / 3;

}  // namespace

void Pace::OnAnswer(TimePoint now, Duration took) {
  if (options_.slow > Duration::zero() && took > options_.slow) return OnPushback(now);
  limit_ = std::min<double>(options_.most, limit_ + 1 / limit_);
}

void Pace::OnPushback(TimePoint now) {
  if (now < rests_until_) return;
  rests_until_ = now + options_.rest;
  limit_ = std::max(1.0, limit_ * kFall);
}

}  // namespace weir::jobs
