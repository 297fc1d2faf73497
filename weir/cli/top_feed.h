#pragma once

// Where the events of `weir top` come from, and what time it is there.

#include <deque>
#include <optional>
#include <string>

#include "weir/async/loop.h"
#include "weir/cli/event_lines.h"
#include "weir/events/activity.h"

namespace weir::cli {

// Adds a line to what goes on.
void AddLine(events::Activity& activity, std::string_view line);

class TopFeed {
 public:
  virtual ~TopFeed() = default;

  // Adds what has come since the last time. A pause holds up what can be held up.
  virtual Result<void> Advance(bool paused) = 0;
  virtual events::Moment now() const = 0;
  virtual std::string note() const = 0;  // for the title; empty: nothing is special
};

// Events as they come, now. `loop` and `activity` outlive it.
class LiveFeed final : public TopFeed {
 public:
  LiveFeed(const async::Loop& loop, EventLines lines, events::Activity& activity)
      : loop_(loop), lines_(std::move(lines)), activity_(activity) {}

  Result<void> Advance(bool paused) override;
  events::Moment now() const override;
  std::string note() const override;

 private:
  const async::Loop& loop_;
  EventLines lines_;
  events::Activity& activity_;
};

// Events as they came once, `speed` times as fast.
class ReplayFeed final : public TopFeed {
 public:
  ReplayFeed(const async::Loop& loop, EventLines lines, events::Activity& activity, double speed)
      : loop_(loop),
        lines_(std::move(lines)),
        activity_(activity),
        speed_(speed),
        before_(loop.Now()) {}

  Result<void> Advance(bool paused) override;
  events::Moment now() const override { return now_; }
  std::string note() const override { return over_ ? "the end" : ""; }

 private:
  struct Waiting {
    std::optional<events::Moment> at;
    std::string line;
  };
  Result<void> Fill();

  const async::Loop& loop_;
  EventLines lines_;
  events::Activity& activity_;
  const double speed_;
  TimePoint before_;
  events::Moment now_{};
  bool begun_ = false;
  bool over_ = false;
  std::deque<Waiting> waiting_;
};

}  // namespace weir::cli
