#pragma once

// The file below a JsonlSink: rotation, the control file, and what happens when writing fails.

#include <memory>
#include <string>
#include <string_view>

#include "weir/base/fd.h"
#include "weir/events/event.h"

namespace weir::events {

// Not thread-safe: the sink's lock guards it.
class EventFile {
 public:
  static Result<std::shared_ptr<EventFile>> Open(const Clock& clock, JsonlOptions options);

  // False while the control file holds "off".
  bool Wanted();
  // Writes a line, in a new file when it does not fit into this one. False: it is lost.
  bool Write(std::string_view line);

 private:
  EventFile(const Clock& clock, JsonlOptions options);

  Result<void> Reopen();
  void LookAround();
  bool IsCurrent() const;
  Result<void> Rotate();
  Result<void> MoveAway() const;
  bool Append(std::string_view line);
  void Fail(const Error& error);
  void Say(bool& said, const Error& error);  // once

  const Clock& clock_;
  const JsonlOptions options_;
  Fd fd_;
  bool regular_ = false;  // pipes and terminals are neither rotated nor looked after
  std::int64_t size_ = 0;
  bool torn_ = false;  // the last line was written in part
  bool off_ = false;
  bool said_lost_ = false;
  bool said_full_ = false;
  TimePoint look_at_{};
  TimePoint try_at_{};
  TimePoint rotate_at_{};  // not before: the last time it failed
};

}  // namespace weir::events
