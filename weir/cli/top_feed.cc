#include "weir/cli/top_feed.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "weir/events/story.h"
#include "weir/json/reader.h"

namespace weir::cli {

using events::Moment;

void AddLine(events::Activity& activity, std::string_view line) {
  const Result<json::Value> event = json::Read(line);
  event ? activity.Add(*event) : activity.AddInvalid();
}

Result<void> LiveFeed::Advance(bool /*paused*/) {
  const TakeLine take = [this](std::string_view line) { AddLine(activity_, line); };
  WEIR_CHECK(lines_.ReadWhatIsThere(take));
  if (lines_.ended()) lines_.TakeRest(take);
  return lines_.FollowRotation(take);
}

Moment LiveFeed::now() const {
  const Moment now =
      std::chrono::duration_cast<Moment>(std::chrono::nanoseconds(loop_.WallNanos()));
  return std::max(now, activity_.last().value_or(now));  // clocks of other hosts may be ahead
}

std::string LiveFeed::note() const {
  if (lines_.waits_for_file()) return "waits for the file";
  return lines_.ended() ? "the end" : "";
}

Result<void> ReplayFeed::Fill() {
  const TakeLine take = [this](std::string_view line) {
    const Result<json::Value> event = json::Read(line);
    const std::optional<std::int64_t> time = event ? events::TimeOf(*event) : std::nullopt;
    waiting_.push_back(
        {.at = time ? std::optional(Moment(*time)) : std::nullopt, .line = std::string(line)});
  };
  while (waiting_.empty() && !over_) {
    WEIR_TRY(const bool more, lines_.ReadPiece(take));
    if (more) continue;
    lines_.TakeRest(take);
    over_ = waiting_.empty();
  }
  return {};
}

Result<void> ReplayFeed::Advance(bool paused) {
  const TimePoint now = loop_.Now();
  const auto passed = std::chrono::duration<double, std::milli>(now - std::exchange(before_, now));
  if (paused || over_) return {};
  if (begun_) now_ += Moment(static_cast<std::int64_t>(std::min(passed.count() * speed_, 1e15)));
  for (;;) {
    WEIR_CHECK(Fill());
    if (waiting_.empty()) break;
    const Waiting& next = waiting_.front();
    if (next.at && !std::exchange(begun_, true)) now_ = *next.at;
    if (next.at && *next.at > now_) return {};
    AddLine(activity_, next.line);
    waiting_.pop_front();
  }
  now_ = activity_.last().value_or(now_);
  return {};
}

}  // namespace weir::cli
