#pragma once

// How much happened of late, per second.

#include <cstdint>
#include <deque>

#include "weir/events/activity_state.h"

namespace weir::events {

struct WorkCounts {
  double requests = 0;
  double prompt_tokens = 0;
  double completion_tokens = 0;
};

// Counts over the last so many seconds, in flat memory. Times may be a little out of order.
class RateWindow {
 public:
  explicit RateWindow(Moment window) : window_(window), width_(window / kParts) {}

  void Add(Moment at, const WorkCounts& counts);
  // In the window before `now`; `began`: since when there was anything to count.
  WorkCounts PerSecond(Moment now, Moment began) const;

 private:
  static constexpr int kParts = 40;
  struct Part {
    std::int64_t number = 0;  // its beginning, in widths
    WorkCounts counts;
  };

  Moment window_;
  Moment width_;
  std::deque<Part> parts_;  // by number
};

}  // namespace weir::events
