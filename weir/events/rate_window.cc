#include "weir/events/rate_window.h"

#include <algorithm>
#include <iterator>

namespace weir::events {

void RateWindow::Add(Moment at, const WorkCounts& counts) {
  const std::int64_t number = at / width_;
  auto place = parts_.end();
  while (place != parts_.begin() && std::prev(place)->number >= number) --place;
  if (place == parts_.end() || place->number != number) {
    place = parts_.insert(place, Part{.number = number, .counts = {}});
  }
  place->counts.requests += counts.requests;
  place->counts.prompt_tokens += counts.prompt_tokens;
  place->counts.completion_tokens += counts.completion_tokens;
  while (parts_.front().number < parts_.back().number - kParts) parts_.pop_front();
}

WorkCounts RateWindow::PerSecond(Moment now, Moment began) const {
  WorkCounts sum;
  const std::int64_t last = now / width_;
  for (const Part& part : parts_) {
    if (part.number <= last - kParts || part.number > last) continue;
    sum.requests += part.counts.requests;
    sum.prompt_tokens += part.counts.prompt_tokens;
    sum.completion_tokens += part.counts.completion_tokens;
  }
  constexpr Moment kLeast = std::chrono::seconds(1);  // a single event is no rate
  const Moment time = std::clamp(now - began, std::min(kLeast, window_), window_);
  const double seconds = std::chrono::duration<double>(time).count();
  return {.requests = sum.requests / seconds,
          .prompt_tokens = sum.prompt_tokens / seconds,
          .completion_tokens = sum.completion_tokens / seconds};
}

}  // namespace weir::events
