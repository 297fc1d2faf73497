#include "weir/cli/event_lines.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/cli/input.h"

namespace weir::cli {
namespace {

constexpr std::size_t kMostLineBytes = 64 << 20;  // raw events hold whole answers
constexpr std::size_t kChunk = 64 * 1024;

bool IsPipe(int fd) {
  struct stat found{};
  return ::fstat(fd, &found) == 0 && !S_ISREG(found.st_mode);
}

bool HasSomething(int fd) {
  pollfd asked{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&asked, 1, 0) > 0;
}

}  // namespace

std::string EventFileOf(const std::string& path) {
  struct stat found{};
  const bool folder = ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode);
  return folder ? StrCat(path, path.ends_with('/') ? "" : "/", "events.jsonl") : path;
}

Result<EventLines> EventLines::Open(const Session& session, const std::string& path) {
  if (path != kStdin) {
    WEIR_TRY(const int fd, OpenInput(path));
    return EventLines(fd, path);
  }
  if (session.terminal.in_is_terminal()) {
    return Fail(Code::kConfigError, "no events to read: name a file of them, or pipe them in");
  }
  return EventLines(STDIN_FILENO, path);
}

Result<EventLines> EventLines::OpenOrWait(const Session& session, const std::string& path) {
  struct stat found{};
  const bool missing = path != kStdin && ::stat(path.c_str(), &found) != 0 && errno == ENOENT;
  return missing ? Result<EventLines>(EventLines(-1, path)) : Open(session, path);
}

EventLines::EventLines(EventLines&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      rest_(std::move(other.rest_)),
      ended_(other.ended_) {}

EventLines::~EventLines() {
  if (fd_ >= 0 && fd_ != STDIN_FILENO) ::close(fd_);
}

Result<bool> EventLines::ReadPiece(const TakeLine& take) {
  if (fd_ < 0) return false;
  const std::size_t before = rest_.size();
  rest_.resize(before + kChunk);
  ssize_t got = 0;
  do {
    got = ::read(fd_, rest_.data() + before, kChunk);
  } while (got < 0 && errno == EINTR);
  const int why = errno;
  rest_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  if (got < 0) {
    return Fail(Code::kIoError, StrCat("cannot read the events in ", path_), std::strerror(why));
  }
  if (got == 0) {
    ended_ = IsPipe(fd_);
    return false;
  }
  TakeLines(before, take);
  if (rest_.size() > kMostLineBytes) rest_.clear();
  return true;
}

Result<void> EventLines::ReadAll(const TakeLine& take) {
  for (;;) {
    WEIR_TRY(const bool more, ReadPiece(take));
    if (!more) return {};
  }
}

Result<void> EventLines::ReadWhatIsThere(const TakeLine& take) {
  if (fd_ < 0 || ended_) return {};
  const bool may_wait = IsPipe(fd_);
  while (!may_wait || HasSomething(fd_)) {
    WEIR_TRY(const bool more, ReadPiece(take));
    if (!more) return {};
  }
  return {};
}

void EventLines::TakeRest(const TakeLine& take) {
  if (!rest_.empty()) take(rest_);
  rest_.clear();
}

Result<void> EventLines::FollowRotation(const TakeLine& take) {
  struct stat ours{};
  struct stat there{};
  if (path_ == kStdin || ::stat(path_.c_str(), &there) != 0) return {};
  if (fd_ >= 0 && ::fstat(fd_, &ours) == 0 && ours.st_ino == there.st_ino &&
      ours.st_dev == there.st_dev) {
    if (there.st_size < ::lseek(fd_, 0, SEEK_CUR)) {
      ::lseek(fd_, 0, SEEK_SET);
      rest_.clear();
    }
    return {};
  }
  const Result<int> fd = OpenInput(path_);
  if (!fd) return {};  // it is looked for again
  WEIR_CHECK(ReadAll(take));
  if (fd_ >= 0) ::close(fd_);
  fd_ = *fd;
  rest_.clear();
  return ReadWhatIsThere(take);
}

void EventLines::TakeLines(std::size_t searched, const TakeLine& take) {
  std::size_t begin = 0;
  for (std::size_t end = rest_.find('\n', searched); end != rest_.npos;
       end = rest_.find('\n', begin)) {
    if (end > begin) take(std::string_view(rest_).substr(begin, end - begin));
    begin = end + 1;
  }
  rest_.erase(0, begin);
}

}  // namespace weir::cli
