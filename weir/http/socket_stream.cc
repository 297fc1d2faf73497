#include "weir/http/socket_stream.h"

#include <cerrno>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "weir/async/readiness.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;

// The C library's tcp_info ends where older kernels' did; ours goes on. The kernel's own header
// clashes with the library's.
struct KernelTcpInfo {
  tcp_info known;
  std::uint64_t pacing_rate;
  std::uint64_t max_pacing_rate;
  std::uint64_t bytes_acked;
};
static_assert(offsetof(KernelTcpInfo, bytes_acked) == 120);

boost::system::error_code SystemError(int number) {
  return {number, boost::system::system_category()};
}

class SocketStream : public ByteStream {
 public:
  SocketStream(async::Loop& loop, int descriptor) : socket_(loop.readiness(), descriptor) {}

  async::Task<IoResult> ReadSome(std::span<char> into) override {
    if (socket_.get() < 0) co_return IoResult(Closed(), 0);
    for (;;) {
      // Whoever has closed it may have taken it away, too.
      const bool open = co_await socket_.Until(Side::kRead);
      if (!open) co_return IoResult(asio::error::operation_aborted, 0);
      const ssize_t got = ::recv(socket_.get(), into.data(), into.size(), 0);
      if (got == 0) co_return IoResult(asio::error::eof, 0);
      if (got > 0) {
        if (static_cast<std::size_t>(got) < into.size()) socket_.Tried(Side::kRead);
        co_return IoResult(boost::system::error_code(), static_cast<std::size_t>(got));
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return IoResult(SystemError(errno), 0);
      socket_.Tried(Side::kRead);
    }
  }

  IoResult TryWrite(std::string_view bytes) override {
    for (;;) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        if (static_cast<std::size_t>(sent) < bytes.size()) socket_.Tried(Side::kWrite);
        return {boost::system::error_code(), static_cast<std::size_t>(sent)};
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return {SystemError(errno), 0};
      socket_.Tried(Side::kWrite);
      return {boost::system::error_code(), 0};
    }
  }

  async::Task<IoResult> Write(std::string_view bytes) override {
    if (socket_.get() < 0) co_return IoResult(Closed(), 0);
    std::size_t written = 0;
    while (written < bytes.size()) {
      const bool open = co_await socket_.Until(Side::kWrite);
      if (!open) co_return IoResult(asio::error::operation_aborted, written);
      const auto [error, sent] = TryWrite(bytes.substr(written));
      written += sent;
      if (error) co_return IoResult(error, written);
    }
    co_return IoResult(boost::system::error_code(), written);
  }

  void MayLag(bool may) override { socket_.MayLag(may); }

  void Close() noexcept override { socket_.Close(); }

  void ShutdownSend() noexcept override {
    ::shutdown(socket_.get(), SHUT_WR);  // fails when the peer has already gone
  }

  Peek PeekPeer() noexcept override { return PeekSocket(socket_.get()); }

  std::optional<Delivery> Delivered() noexcept override { return std::nullopt; }

 protected:
  int descriptor() const { return socket_.get(); }

 private:
  using Side = async::ReadyDescriptor::Side;

  boost::system::error_code Closed() const {
    return socket_.failure() == 0 ? asio::error::operation_aborted : SystemError(socket_.failure());
  }

  async::ReadyDescriptor socket_;
};

class TcpStream final : public SocketStream {
 public:
  using SocketStream::SocketStream;

  void Reset() noexcept override {
    ResetOnClose(descriptor());
    Close();
  }

  std::optional<Delivery> Delivered() noexcept override {
    KernelTcpInfo info{};
    socklen_t size = sizeof(info);
    const int failed = ::getsockopt(descriptor(), IPPROTO_TCP, TCP_INFO, &info, &size);
    if (failed != 0 || size < sizeof(info)) return std::nullopt;
    // Linux counts our SYN as one acknowledged byte.
    return Delivery{.acknowledged = info.bytes_acked > 0 ? info.bytes_acked - 1 : 0,
                    .reset = info.known.tcpi_state == TCP_CLOSE};
  }
};

// Out of Asio's hands. What goes wrong shows at the first use of the descriptor.
template <class Socket>
int Release(Socket& socket) {
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  return socket.release(ignored);
}

}  // namespace

void ResetOnClose(int descriptor) noexcept {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  // When it fails, an orderly end is the next best thing.
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

ByteStream::Peek PeekSocket(int descriptor) noexcept {
  pollfd look{.fd = descriptor, .events = POLLIN | POLLRDHUP, .revents = 0};
  if (descriptor < 0) return ByteStream::Peek::kClosed;
  if (::poll(&look, 1, 0) <= 0) return ByteStream::Peek::kQuiet;
  return look.revents == POLLIN ? ByteStream::Peek::kBytes : ByteStream::Peek::kClosed;
}

std::unique_ptr<ByteStream> NewTcpStream(async::Loop& loop, TcpSocket socket) {
  boost::system::error_code ignored;  // a socket that refuses an option fails at its first use
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);
  return std::make_unique<TcpStream>(loop, Release(socket));
}

std::unique_ptr<ByteStream> NewUnixStream(async::Loop& loop, UnixSocket socket) {
  return std::make_unique<SocketStream>(loop, Release(socket));
}

}  // namespace weir::http
