#pragma once

// How a run went over time, in a bounded number of points.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir::flow {

struct ReportPoint {
  double seconds = 0;  // since the run began
  std::uint64_t rows_done = 0;
  std::uint64_t rows_failed = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;

  friend bool operator==(const ReportPoint&, const ReportPoint&) = default;
};

// Keeps the first point, the latest, and between them some that are about equally far apart. When
// there are too many, every second one goes.
class Timeline {
 public:
  explicit Timeline(std::size_t max_points = 600) : max_points_(max_points) {}

  // In the order of time, as often as one likes.
  void Add(const ReportPoint& point);
  const std::vector<ReportPoint>& points() const { return points_; }

 private:
  const std::size_t max_points_;
  double apart_ = 0.5;  // seconds
  std::vector<ReportPoint> points_;
};

}  // namespace weir::flow
