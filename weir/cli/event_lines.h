#pragma once

// Files of events that others append to, read line by line.

#include <functional>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/cli/command.h"

namespace weir::cli {

// The file of events that a path names: of the folder of a run, the events in it.
std::string EventFileOf(const std::string& path);

using TakeLine = std::function<void(std::string_view line)>;

class EventLines {
 public:
  // A file, or stdin for "-". Fails with kConfigError when it cannot be read, or when a person sits
  // in front of stdin.
  static Result<EventLines> Open(const Session& session, const std::string& path);
  // The same for a file that may come later: FollowRotation() looks for it.
  static Result<EventLines> OpenOrWait(const Session& session, const std::string& path);

  EventLines(EventLines&& other) noexcept;
  EventLines& operator=(EventLines&&) = delete;
  ~EventLines();

  // Hands over every line up to the end of what is there now; of a pipe, up to its end. A last line
  // without its line break is kept back: it may be half written.
  Result<void> ReadAll(const TakeLine& take);
  // The same, but never waits for a pipe.
  Result<void> ReadWhatIsThere(const TakeLine& take);
  // Reads a piece only. False: there is no more now.
  Result<bool> ReadPiece(const TakeLine& take);
  // What stands after the last line break.
  void TakeRest(const TakeLine& take);

  // Goes over to the file that took the place of this one, or to its new beginning, after what is
  // left in the old one.
  Result<void> FollowRotation(const TakeLine& take);

  bool waits_for_file() const { return fd_ < 0; }
  bool ended() const { return ended_; }  // a pipe has come to its end

 private:
  EventLines(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  void TakeLines(std::size_t searched, const TakeLine& take);

  int fd_;
  std::string path_;
  std::string rest_;
  bool ended_ = false;
};

}  // namespace weir::cli
