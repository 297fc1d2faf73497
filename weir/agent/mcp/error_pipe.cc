#include "weir/agent/mcp/error_pipe.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace weir::agent::mcp {
namespace {

constexpr int kPipeBytes = 1 << 20;

}  // namespace

ErrorPipe::~ErrorPipe() {
  CloseWriteEnd();
  if (read_ >= 0) ::close(read_);
}

Result<void> ErrorPipe::Open() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Fail(Code::kIoError, "no pipe can be made for the standard error of a program",
                std::strerror(errno));
  }
  read_ = ends[0];
  write_ = ends[1];
  ::fcntl(read_, F_SETFL, O_NONBLOCK);
  ::fcntl(read_, F_SETPIPE_SZ, kPipeBytes);  // one that stays small is only filled earlier
  return {};
}

void ErrorPipe::CloseWriteEnd() {
  if (write_ >= 0) ::close(std::exchange(write_, -1));
}

void ErrorPipe::Drain() {
  char bytes[16 * 1024];
  // Bounded, because a program may write faster than it is read.
  for (int turn = 0; turn < 2 * kPipeBytes / static_cast<int>(sizeof bytes); ++turn) {
    const ssize_t got = ::read(read_, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    tail_.append(bytes, static_cast<std::size_t>(got));
    if (tail_.size() > kKeptBytes) tail_.erase(0, tail_.size() - kKeptBytes);
  }
}

}  // namespace weir::agent::mcp
