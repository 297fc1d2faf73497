#include "weir/async/output_pipe.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "weir/async/completion.h"
#include "weir/async/wait.h"

namespace weir::async {

struct OutputPipe::Ends {
  Ends(Loop& loop, int read_fd, int write_fd) : read(loop.io(), read_fd), write(write_fd) {}
  ~Ends() {
    if (write >= 0) ::close(write);
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;

  boost::asio::posix::stream_descriptor read;
  int write;
  std::array<char, 64 * 1024> buffer;
};

Result<std::unique_ptr<OutputPipe>> OutputPipe::Open(Loop& loop) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Fail(Code::kIoError, "cannot open a pipe for the output of a program",
                std::strerror(errno));
  }
  // Only this end: the program may be one that cannot bear a write that does not wait.
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  // Not make_unique: the constructor is private.
  return std::unique_ptr<OutputPipe>(
      new OutputPipe(std::make_unique<Ends>(loop, ends[0], ends[1])));
}

OutputPipe::OutputPipe(std::unique_ptr<Ends> ends) : ends_(std::move(ends)) {}
OutputPipe::~OutputPipe() = default;

int OutputPipe::write_end() const { return ends_->write; }

void OutputPipe::CloseWriteEnd() {
  const int fd = std::exchange(ends_->write, -1);
  if (fd >= 0) ::close(fd);
}

Task<Result<std::string_view>> OutputPipe::Read(Context ctx) {
  if (ctx.cancelled()) co_return Fail(CancelledError());
  auto& descriptor = ends_->read;
  Wake reason = Wake::kNotified;
  const auto end = [&](Wake why) {
    if (reason == Wake::kNotified) reason = why;
    boost::system::error_code ignored;  // there is nothing to cancel any more
    descriptor.cancel(ignored);
  };
  Alarm alarm(*ctx.loop, [&] { end(Wake::kDeadline); });
  const Cancellation::Watch watch(ctx.cancellation, [&] { end(Wake::kCancelled); });
  alarm.Arm(ctx.deadline);
  const auto [error] = co_await descriptor.async_wait(descriptor.wait_read, kAwait);
  if (reason == Wake::kCancelled) co_return Fail(CancelledError());
  if (reason == Wake::kDeadline) co_return Fail(TotalTimeoutError(ctx));
  if (error) {
    co_return Fail(Code::kIoError, "the output of a program cannot be read", error.message());
  }
  co_return ReadNow();
}

std::string_view OutputPipe::ReadNow() {
  std::array<char, 64 * 1024>& buffer = ends_->buffer;
  ssize_t got = 0;
  do {
    got = ::read(ends_->read.native_handle(), buffer.data(), buffer.size());
  } while (got < 0 && errno == EINTR);
  return {buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

}  // namespace weir::async
