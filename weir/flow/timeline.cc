#include "weir/flow/timeline.h"

namespace weir::flow {

void Timeline::Add(const ReportPoint& point) {
  const std::size_t count = points_.size();
  // The last one gives way while it is not far enough from the one before it.
  if (count > 1 && points_[count - 1].seconds - points_[count - 2].seconds < apart_) {
    points_.back() = point;
    return;
  }
  if (count > 2 && count >= max_points_) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count; i += 2) points_[kept++] = points_[i];
    points_.resize(kept);
    apart_ *= 2;
  }
  points_.push_back(point);
}

}  // namespace weir::flow
