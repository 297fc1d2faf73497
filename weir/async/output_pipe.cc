#include "weir/async/output_pipe.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "weir/async/completion.h"
#include "weir/async/guard.h"
#include "weir/base/fd.h"

namespace weir::async {

struct OutputPipe::Ends {
  Ends(Loop& loop, Pipe pipe)
      : read(loop.io(), pipe.read.release()), write(std::move(pipe.write)) {}

  boost::asio::posix::stream_descriptor read;
  Fd write;
  std::array<char, 64 * 1024> buffer;
};

Result<std::unique_ptr<OutputPipe>> OutputPipe::Open(Loop& loop) {
  std::optional<Pipe> pipe = OpenPipe();
  if (!pipe) {
    return Fail(Code::kIoError, "cannot open a pipe for the output of a program",
                std::strerror(errno));
  }
  // Only this end: the program may be one that cannot bear a write that does not wait.
  ::fcntl(pipe->read.get(), F_SETFL, O_NONBLOCK);
  // Not make_unique: the constructor is private.
  return std::unique_ptr<OutputPipe>(
      new OutputPipe(std::make_unique<Ends>(loop, *std::move(pipe))));
}

OutputPipe::OutputPipe(std::unique_ptr<Ends> ends) : ends_(std::move(ends)) {}
OutputPipe::~OutputPipe() = default;

int OutputPipe::write_end() const { return ends_->write.get(); }

void OutputPipe::CloseWriteEnd() { ends_->write.Close(); }

Task<Result<std::string_view>> OutputPipe::Read(Context ctx) {
  if (ctx.cancelled()) co_return Fail(CancelledError());
  auto& descriptor = ends_->read;
  const Guard guard(ctx, ctx.deadline, [&] {
    boost::system::error_code ignored;  // there is nothing to cancel any more
    descriptor.cancel(ignored);
  });
  const auto [error] = co_await descriptor.async_wait(descriptor.wait_read, kAwait);
  WEIR_CO_CHECK(guard.Check());
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
