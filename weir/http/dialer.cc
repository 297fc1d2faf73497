#include "weir/http/dialer.h"

#include <mutex>

#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/async/completion.h"
#include "weir/async/guard.h"
#include "weir/base/text.h"
#include "weir/http/proxy.h"
#include "weir/http/race.h"
#include "weir/http/resolve.h"
#include "weir/http/tls.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path);

std::string Through(const std::optional<Proxy>& proxy) {
  return proxy ? StrCat(" through proxy ", proxy->host, ":", proxy->port) : "";
}

class SystemDialer final : public Dialer {
 public:
  explicit SystemDialer(DialOptions options) : options_(std::move(options)) {}

  async::Task<Result<Connection>> Dial(async::Context ctx, const Origin& origin,
                                       Duration connect_timeout) override {
    async::Span span(ctx, "http.connect");
    span.SetDetail(origin.key);
    async::Context within = span.context();
    if (connect_timeout > Duration::zero()) within = within.WithTimeout(connect_timeout);
    const Result<std::optional<Proxy>> proxy = ChooseProxy(options_.proxy, origin.url);
    if (!proxy) co_return span.End(Result<Connection>(std::unexpect, proxy.error()));
    Result<Connection> connected = co_await DialWithin(within, origin, *proxy);
    const bool own_clock = within.deadline < ctx.deadline;
    if (!connected && connected.error().code == Code::kTimeout && own_clock) {
      const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(connect_timeout);
      Error slow{.code = Code::kTimeout,
                 .message = StrCat("no connection to ", origin.key, Through(*proxy),
                                   " within the limit `connect` of ", FormatMillis(millis.count()),
                                   "; check that the address is reachable or raise "
                                   "`timeouts.connect`")};
      connected = Result<Connection>(std::unexpect, std::move(slow));
    }
    co_return span.End(std::move(connected));
  }

 private:
  async::Task<Result<Connection>> DialWithin(async::Context ctx, const Origin& origin,
                                             std::optional<Proxy> proxy) {
    const Url& url = origin.url;
    if (!url.unix_path.empty()) co_return co_await DialUnix(ctx, origin);

    const std::string host = proxy ? proxy->host : url.host;
    Result<TcpSocket> reached = co_await Reach(ctx, host, proxy ? proxy->port : url.port);
    if (!reached && proxy && reached.error().code == Code::kConnectionError) {
      co_return ProxyFailure(*proxy, "cannot be reached", reached.error().cause);
    }
    WEIR_CO_TRY(TcpSocket socket, std::move(reached));

    Connection connection;
    const bool forward = proxy && proxy->kind == Proxy::Kind::kHttp && !url.tls;
    if (forward) {
      connection.absolute_form = true;
      connection.proxy_authorization = ProxyAuthorization(*proxy);
    }
    if (proxy && !forward) {
      WEIR_CO_TRY(socket, co_await Tunnel(ctx, std::move(socket), *proxy, url));
    }
    if (url.tls) {
      WEIR_CO_TRY(TlsClient * tls, Tls());
      WEIR_CO_TRY(connection.stream,
                  co_await tls->Handshake(ctx, std::move(socket), url.host, nullptr));
    } else {
      connection.stream = NewTcpStream(*ctx.loop, std::move(socket));
    }
    co_return connection;
  }

  async::Task<Result<TcpSocket>> Reach(async::Context ctx, std::string host, std::uint16_t port) {
    WEIR_CO_TRY(const Endpoints endpoints, co_await Resolve(ctx, host, port));
    const std::string where = StrCat(host, ":", port);
    co_return co_await ConnectToAny(ctx, endpoints, where, options_.fallback_delay);
  }

  // The tunnel is opened over a duplicate of the descriptor, so that the socket itself comes out
  // untouched and can be handed to TLS.
  async::Task<Result<TcpSocket>> Tunnel(async::Context ctx, TcpSocket socket, const Proxy& proxy,
                                        const Url& url) {
    Url target = url;
    if (proxy.kind == Proxy::Kind::kSocks5) {
      WEIR_CO_TRY(const Endpoints found, co_await Resolve(ctx, url.host, url.port));
      target.host = found.front().address().to_string();
    }
    const int copy = ::fcntl(socket.native_handle(), F_DUPFD_CLOEXEC, 0);
    if (copy < 0) co_return Fail(Code::kIoError, "cannot duplicate a socket; too many open files?");
    TcpSocket second(ctx.loop->io());
    boost::system::error_code error;
    second.assign(tcp::v4(), copy, error);  // the family counts only when a socket is opened
    if (error) {
      ::close(copy);
      co_return Fail(Code::kIoError, "cannot watch a socket; too many open files?",
                     error.message());
    }
    const std::unique_ptr<ByteStream> stream = NewTcpStream(*ctx.loop, std::move(second));
    WEIR_CO_CHECK(co_await OpenTunnel(ctx, *stream, proxy, target));
    co_return std::move(socket);
  }

  async::Task<Result<Connection>> DialUnix(async::Context ctx, const Origin& origin) {
    const std::string& path = origin.url.unix_path;
    if (path.size() >= kMaxUnixPath) {
      co_return Fail(Code::kInvalidRequest,
                     StrCat("the socket path ", path, " is longer than the ", kMaxUnixPath - 1,
                            " bytes that the system allows"));
    }
    UnixSocket socket(ctx.loop->io());
    const async::Guard guard(ctx, ctx.deadline, [&] {
      boost::system::error_code ignored;  // closing is all that is wanted
      socket.close(ignored);
    });
    const asio::local::stream_protocol::endpoint endpoint(path);
    const auto [error] = co_await socket.async_connect(endpoint, async::kAwait);
    WEIR_CO_CHECK(guard.Check());
    if (error) {
      co_return Fail(Code::kConnectionError,
                     StrCat("cannot connect to the socket ", path,
                            "; is the server up and is the path right?"),
                     error.message());
    }
    Connection connection;
    connection.stream = NewUnixStream(*ctx.loop, std::move(socket));
    co_return connection;
  }

  // Made at the first https connection: reading the system's roots costs more than a plain call.
  Result<TlsClient*> Tls() {
    std::call_once(tls_once_, [this] { tls_ = NewTlsClient(options_.tls); });
    if (!tls_) return Fail(tls_.error());
    return tls_->get();
  }

  const DialOptions options_;
  std::once_flag tls_once_;
  Result<std::unique_ptr<TlsClient>> tls_;
};

}  // namespace

std::unique_ptr<Dialer> NewSystemDialer(DialOptions options) {
  return std::make_unique<SystemDialer>(std::move(options));
}

}  // namespace weir::http
