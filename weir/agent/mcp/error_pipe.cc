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

Result<void> ErrorPipe::Open() {
  std::optional<Pipe> pipe = OpenPipe();
  if (!pipe) {
    return Fail(Code::kIoError, "no pipe can be made for the standard error of a program",
                std::strerror(errno));
  }
  pipe_ = *std::move(pipe);
  ::fcntl(pipe_.read.get(), F_SETFL, O_NONBLOCK);
  ::fcntl(pipe_.read.get(), F_SETPIPE_SZ,
          kPipeBytes);  // one that stays small is only filled earlier
  return {};
}

void ErrorPipe::Drain() {
  char bytes[16 * 1024];
  // Bounded, because a program may write faster than it is read.
  for (int turn = 0; turn < 2 * kPipeBytes / static_cast<int>(sizeof bytes); ++turn) {
    const ssize_t got = ::read(pipe_.read.get(), bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    tail_.append(bytes, static_cast<std::size_t>(got));
    if (tail_.size() > kKeptBytes) tail_.erase(0, tail_.size() - kKeptBytes);
  }
}

}  // namespace weir::agent::mcp
