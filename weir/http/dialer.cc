#include "weir/http/dialer.h"

#include <mutex>

#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include "weir/async/completion.h"
#include "weir/async/scope.h"
#include "weir/base/text.h"
#include "weir/http/guard.h"
#include "weir/http/proxy.h"
#include "weir/http/socket_stream.h"
#include "weir/http/tls.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

using Resolver = tcp::resolver::rebind_executor<async::Executor>::other;
constexpr std::size_t kMaxUnixPath = sizeof(sockaddr_un::sun_path);
using Endpoints = std::vector<tcp::endpoint>;

std::string RefusedAdvice(const Error& error, const std::string& where) {
  if (error.cause.find("refused") == std::string::npos) {
    return StrCat("cannot connect to ", where, "; check the address and the network");
  }
  return StrCat("nothing listens at ", where,
                ": is the server up (a loading vLLM refuses connections until it is ready; try its "
                "/health), does a firewall block the port, was it started with --host 0.0.0.0?");
}

// IPv6 and IPv4 in turn, the family that the resolver put first in front (RFC 8305).
Endpoints Interleave(const Endpoints& found) {
  Endpoints first;
  Endpoints second;
  for (const tcp::endpoint& endpoint : found) {
    const bool same = endpoint.address().is_v6() == found.front().address().is_v6();
    (same ? first : second).push_back(endpoint);
  }
  Endpoints mixed;
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < second.size()) mixed.push_back(second[i]);
  }
  return mixed;
}

using Found = Resolver::results_type;

// One question to the system's resolver. It cannot be interrupted, so whoever gives up leaves it
// behind, to be forgotten when it ends.
struct Lookup {
  explicit Lookup(async::Loop& loop) : resolver(loop.io()) {}

  Resolver resolver;
  boost::system::error_code error;
  Found found;
  async::WaitPoint* answer = nullptr;
};

async::Task<Result<Endpoints>> Resolve(async::Context ctx, std::string host, std::uint16_t port) {
  boost::system::error_code not_literal;
  const asio::ip::address address = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Endpoints{tcp::endpoint(address, port)};

  const auto lookup = std::make_shared<Lookup>(*ctx.loop);
  async::WaitPoint answer(ctx);
  lookup->answer = &answer;
  lookup->resolver.async_resolve(host, std::to_string(port),
                                 [lookup](boost::system::error_code error, Found found) {
                                   lookup->error = error;
                                   lookup->found = std::move(found);
                                   if (lookup->answer != nullptr) lookup->answer->Notify();
                                 });
  const async::Wake wake = co_await answer.Wait();
  lookup->answer = nullptr;
  if (wake == async::Wake::kCancelled) co_return Fail(async::CancelledError());
  if (wake == async::Wake::kDeadline) co_return Fail(async::TotalTimeoutError(ctx));
  if (lookup->error || lookup->found.empty()) {
    co_return Fail(Code::kConnectionError,
                   StrCat("cannot find the host '", host,
                          "'; check the spelling of the address and the DNS of this machine"),
                   lookup->error.message());
  }
  Endpoints endpoints;
  for (const auto& result : lookup->found) endpoints.push_back(result.endpoint());
  co_return Interleave(endpoints);
}

// The race: attempts start one after the other, the first to connect wins and stops the others.
struct Race {
  explicit Race(const async::Context& ctx) : scope(ctx) {}

  async::TaskScope scope;
  std::optional<TcpSocket> winner;
  std::optional<Error> failure;  // the first one: the address that was preferred
  std::size_t ended = 0;
  async::WaitPoint* news = nullptr;

  void End() {
    ++ended;
    if (news != nullptr) news->Notify();
  }
};

async::Task<void> Attempt(async::Context ctx, Race& race, tcp::endpoint endpoint,
                          std::string where) {
  TcpSocket socket(ctx.loop->io());
  const Guard guard(ctx, ctx.deadline, [&] {
    boost::system::error_code ignored;  // closing is all that is wanted
    socket.close(ignored);
  });
  if (guard.reason() != Guard::Reason::kNone) co_return race.End();  // connecting would open it
  const auto [error] = co_await socket.async_connect(endpoint, async::kAwait);
  if (!error && !race.winner) {
    race.winner = std::move(socket);
  } else if (error && !race.failure) {
    race.failure = Error{.code = Code::kConnectionError, .cause = error.message()};
    race.failure->message = RefusedAdvice(*race.failure, where);
  }
  race.End();
}

async::Task<Result<TcpSocket>> Connect(async::Context ctx, Endpoints endpoints, std::string where,
                                       Duration fallback_delay) {
  Race race(ctx);
  std::size_t started = 0;
  while (!race.winner && race.ended < endpoints.size()) {
    if (started < endpoints.size()) {
      race.scope.Spawn(Attempt(race.scope.context(), race, endpoints[started++], where));
    }
    async::WaitPoint news(ctx);
    race.news = &news;
    const bool last = started == endpoints.size();
    const TimePoint next = last ? kNever : ctx.Now() + fallback_delay;
    const async::Wake wake = co_await news.Wait(std::min(next, ctx.deadline));
    race.news = nullptr;
    if (wake == async::Wake::kCancelled || ctx.Now() >= ctx.deadline) break;
  }
  race.scope.Cancel();
  co_await race.scope.Join();
  if (race.winner) co_return *std::move(race.winner);
  if (ctx.cancelled()) co_return Fail(async::CancelledError());
  if (ctx.Now() >= ctx.deadline) co_return Fail(async::TotalTimeoutError(ctx));
  co_return Fail(*race.failure);
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
    Result<Connection> connected = co_await DialWithin(within, origin);
    const bool own_clock = within.deadline < ctx.deadline;
    if (!connected && connected.error().code == Code::kTimeout && own_clock) {
      const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(connect_timeout);
      Error slow{.code = Code::kTimeout,
                 .message = StrCat("no connection to ", origin.key,
                                   " within the limit `connect` of ", FormatMillis(millis.count()),
                                   "; check that the address is reachable or raise "
                                   "`timeouts.connect`")};
      connected = Result<Connection>(std::unexpect, std::move(slow));
    }
    co_return span.End(std::move(connected));
  }

 private:
  async::Task<Result<Connection>> DialWithin(async::Context ctx, const Origin& origin) {
    const Url& url = origin.url;
    if (!url.unix_path.empty()) co_return co_await DialUnix(ctx, origin);
    WEIR_CO_TRY(const std::optional<Proxy> proxy, ChooseProxy(options_.proxy, url));

    const std::string host = proxy ? proxy->host : url.host;
    const std::uint16_t port = proxy ? proxy->port : url.port;
    const std::string where = proxy ? StrCat("proxy ", host, ":", port) : StrCat(host, ":", port);
    WEIR_CO_TRY(const Endpoints endpoints, co_await Resolve(ctx, host, port));
    WEIR_CO_TRY(TcpSocket socket, co_await Connect(ctx, endpoints, where, options_.fallback_delay));

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
      WEIR_CO_TRY(connection.stream, co_await tls->Handshake(ctx, std::move(socket), url.host));
    } else {
      connection.stream = NewTcpStream(std::move(socket));
    }
    co_return connection;
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
    const std::unique_ptr<ByteStream> stream = NewTcpStream(std::move(second));
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
    const Guard guard(ctx, ctx.deadline, [&] {
      boost::system::error_code ignored;  // closing is all that is wanted
      socket.close(ignored);
    });
    const asio::local::stream_protocol::endpoint endpoint(path);
    const auto [error] = co_await socket.async_connect(endpoint, async::kAwait);
    if (guard.reason() == Guard::Reason::kCancelled) co_return Fail(async::CancelledError());
    if (guard.reason() == Guard::Reason::kDeadline) co_return Fail(async::TotalTimeoutError(ctx));
    if (error) {
      co_return Fail(Code::kConnectionError,
                     StrCat("cannot connect to the socket ", path,
                            "; is the server up and is the path right?"),
                     error.message());
    }
    Connection connection;
    connection.stream = NewUnixStream(std::move(socket));
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
