#include "weir/events/event_file.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/no_pipe_signal.h"
#include "weir/base/text.h"
#include "weir/events/control_file.h"

namespace weir::events {
namespace {

ssize_t WriteSome(int fd, std::string_view text) {
  ssize_t written = 0;
  do {
    written = ::write(fd, text.data(), text.size());
  } while (written < 0 && errno == EINTR);
  return written;
}

}  // namespace

EventFile::EventFile(const Clock& clock, JsonlOptions options)
    : clock_(clock), options_(std::move(options)) {}

Result<std::shared_ptr<EventFile>> EventFile::Open(const Clock& clock, JsonlOptions options) {
  std::shared_ptr<EventFile> file(new EventFile(clock, std::move(options)));
  WEIR_CHECK(file->Reopen());
  return file;
}

Result<void> EventFile::Reopen() {
  // Without O_NONBLOCK a pipe that nobody reads would hold up the work that is reported on.
  fd_.Close();
  fd_ = Fd(
      ::open(options_.path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0600));
  struct stat status{};
  if (!fd_.open() || ::fstat(fd_.get(), &status) != 0) {
    const int why = errno;
    return weir::Fail(Code::kIoError,
                      StrCat("cannot write events to ", options_.path, "; name another file"),
                      std::strerror(why));
  }
  regular_ = S_ISREG(status.st_mode);
  size_ = status.st_size;
  torn_ = false;
  return {};
}

bool EventFile::Wanted() {
  if (clock_.Now() >= look_at_) LookAround();
  return !off_;
}

void EventFile::LookAround() {
  look_at_ = After(clock_.Now(), kLookEvery);
  off_ = !options_.control_file.empty() && HoldsOff(options_.control_file);
  if (!fd_.open() || !regular_) return;
  struct stat status{};
  if (!IsCurrent()) {
    if (const Result<void> opened = Reopen(); !opened) Fail(opened.error());
  } else if (::fstat(fd_.get(), &status) == 0) {
    size_ = status.st_size;  // others may append, too
  }
}

// Whether the path still leads to the file that is open.
bool EventFile::IsCurrent() const {
  struct stat ours{};
  struct stat there{};
  return ::fstat(fd_.get(), &ours) == 0 && ::stat(options_.path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

// The lock is on the full file: of several writers one renames, the others find a new one. Where
// one name cannot be changed the others stay, too: nothing that is kept may be overwritten.
Result<void> EventFile::Rotate() {
  ::flock(fd_.get(), LOCK_EX);
  if (IsCurrent()) {
    const Result<void> moved = MoveAway();
    if (!moved) {
      ::flock(fd_.get(), LOCK_UN);
      rotate_at_ = After(clock_.Now(), options_.retry_after);
      Say(said_full_, moved.error());
      return {};
    }
  }
  return Reopen();
}

Result<void> EventFile::MoveAway() const {
  const auto failed = [this](const std::string& what) {
    const int why = errno;
    return weir::Fail(Code::kIoError,
                      StrCat("the events file ", options_.path,
                             " is full, and goes on growing: ", what, " failed; make room for it"),
                      std::strerror(why));
  };
  if (options_.keep <= 0 && ::unlink(options_.path.c_str()) != 0 && errno != ENOENT) {
    return failed("removing it");
  }
  for (std::int64_t i = options_.keep; i > 0; --i) {
    const std::string from = i == 1 ? options_.path : StrCat(options_.path, ".", i - 1);
    const std::string to = StrCat(options_.path, ".", i);
    if (::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) continue;
    return failed(StrCat("renaming ", from, " to ", to));
  }
  return {};
}

bool EventFile::Write(std::string_view line) {
  if (clock_.Now() < try_at_) return false;
  const auto size = static_cast<std::int64_t>(line.size());
  const bool full = regular_ && options_.max_bytes > 0 && size_ > 0 &&
                    size_ + size > options_.max_bytes && clock_.Now() >= rotate_at_;
  if (!fd_.open() || full) {
    if (const Result<void> opened = !fd_.open() ? Reopen() : Rotate(); !opened) {
      Fail(opened.error());
      return false;
    }
  }
  if (regular_) return Append(line);
  const NoPipeSignal no_signal;
  return Append(line);
}

bool EventFile::Append(std::string_view line) {
  if (torn_ && WriteSome(fd_.get(), "\n") == 1) torn_ = false;
  const ssize_t written = torn_ ? -1 : WriteSome(fd_.get(), line);
  if (written > 0) size_ += written;
  if (written == static_cast<ssize_t>(line.size())) return true;
  const int why = written < 0 ? errno : ENOSPC;
  torn_ = torn_ || written > 0;
  Fail(Error{.code = Code::kIoError,
             .message = StrCat("events are lost: ", options_.path,
                               " cannot be written; the work goes on, and it is tried again"),
             .cause = std::strerror(why)});
  return false;
}

void EventFile::Fail(const Error& error) {
  try_at_ = After(clock_.Now(), options_.retry_after);
  Say(said_lost_, error);
}

void EventFile::Say(bool& said, const Error& error) {
  if (std::exchange(said, true) || !options_.on_failure) return;
  options_.on_failure(error);
}

}  // namespace weir::events
