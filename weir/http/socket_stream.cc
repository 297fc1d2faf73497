#include "weir/http/socket_stream.h"

#include <boost/asio/write.hpp>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

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

template <class Socket>
class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;  // a socket that refuses an option fails at its first use
    socket_.non_blocking(true, ignored);
    if constexpr (kIsTcp) socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  async::Task<IoResult> ReadSome(std::span<char> into) override {
    co_return co_await socket_.async_read_some(asio::buffer(into.data(), into.size()),
                                               async::kAwait);
  }

  IoResult TryWrite(std::string_view bytes) override {
    boost::system::error_code error;
    const std::size_t written = socket_.write_some(asio::buffer(bytes), error);
    if (error == asio::error::would_block) return {boost::system::error_code(), 0};
    return {error, written};
  }

  async::Task<IoResult> Write(std::string_view bytes) override {
    co_return co_await asio::async_write(socket_, asio::buffer(bytes), async::kAwait);
  }

  void Close() noexcept override {
    boost::system::error_code ignored;  // the descriptor is gone either way
    socket_.close(ignored);
  }

  void Reset() noexcept override {
    if constexpr (kIsTcp) ResetOnClose(socket_);
    Close();
  }

  void ShutdownSend() noexcept override {
    boost::system::error_code ignored;  // the peer may already have gone
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  Peek PeekPeer() noexcept override { return PeekSocket(socket_.native_handle()); }

  std::optional<Delivery> Delivered() noexcept override {
    if constexpr (kIsTcp) {
      KernelTcpInfo info{};
      socklen_t size = sizeof(info);
      const int failed = ::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size);
      if (failed != 0 || size < sizeof(info)) return std::nullopt;
      // Linux counts our SYN as one acknowledged byte.
      return Delivery{.acknowledged = info.bytes_acked > 0 ? info.bytes_acked - 1 : 0,
                      .reset = info.known.tcpi_state == TCP_CLOSE};
    }
    return std::nullopt;
  }

 private:
  static constexpr bool kIsTcp = std::is_same_v<Socket, TcpSocket>;

  Socket socket_;
};

}  // namespace

void ResetOnClose(TcpSocket& socket) noexcept {
  boost::system::error_code ignored;  // an orderly end is the next best thing
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
}

ByteStream::Peek PeekSocket(int descriptor) noexcept {
  pollfd look{.fd = descriptor, .events = POLLIN | POLLRDHUP, .revents = 0};
  if (descriptor < 0) return ByteStream::Peek::kClosed;
  if (::poll(&look, 1, 0) <= 0) return ByteStream::Peek::kQuiet;
  return look.revents == POLLIN ? ByteStream::Peek::kBytes : ByteStream::Peek::kClosed;
}

std::unique_ptr<ByteStream> NewTcpStream(TcpSocket socket) {
  return std::make_unique<SocketStream<TcpSocket>>(std::move(socket));
}

std::unique_ptr<ByteStream> NewUnixStream(UnixSocket socket) {
  return std::make_unique<SocketStream<UnixSocket>>(std::move(socket));
}

}  // namespace weir::http
