#include "weir/http/proxy.h"

#include <boost/asio/ip/address.hpp>

#include "weir/async/guard.h"
#include "weir/base/text.h"
#include "weir/http/parser.h"

namespace weir::http {
namespace {

constexpr char kSocksVersion = 5;
constexpr char kSocksNoAuth = 0;
constexpr char kSocksUserPassword = 2;
constexpr char kSocksConnect = 1;
constexpr char kSocksIpv4 = 1;
constexpr char kSocksName = 3;
constexpr char kSocksIpv6 = 4;
constexpr std::size_t kMaxSocksName = 255;

std::string HostPort(const Url& url) {
  const bool v6 = url.host.find(':') != url.host.npos;
  return StrCat(v6 ? "[" : "", url.host, v6 ? "]" : "", ":", url.port);
}

// What it would say to another try, too.
std::unexpected<Error> WrongProxy(const Proxy& proxy, std::string_view what,
                                  std::string cause = {}) {
  std::unexpected<Error> wrong = ProxyFailure(proxy, what, std::move(cause));
  wrong.error().permanent = true;
  return wrong;
}

async::Task<Result<void>> ReadExactly(ByteStream& stream, const Proxy& proxy,
                                      std::span<char> into) {
  while (!into.empty()) {
    const auto [error, count] = co_await stream.ReadSome(into);
    if (error) co_return ProxyFailure(proxy, "closed the connection", error.message());
    into = into.subspan(count);
  }
  co_return Result<void>();
}

async::Task<Result<void>> Say(ByteStream& stream, const Proxy& proxy, std::string_view bytes) {
  const auto [error, unused] = co_await stream.Write(bytes);
  if (error) co_return ProxyFailure(proxy, "closed the connection", error.message());
  co_return Result<void>();
}

async::Task<Result<void>> SocksTunnel(ByteStream& stream, const Proxy& proxy, std::string host,
                                      std::uint16_t port) {
  if (host.size() > kMaxSocksName) {
    co_return Fail(Code::kInvalidRequest,
                   StrCat("a SOCKS proxy takes no host name of more than ", kMaxSocksName,
                          " bytes; this one has ", host.size()));
  }
  const std::string greeting = SocksGreeting(proxy);
  WEIR_CO_CHECK(co_await Say(stream, proxy, greeting));
  char reply[260];
  WEIR_CO_CHECK(co_await ReadExactly(stream, proxy, std::span(reply, 2)));
  if (reply[0] != kSocksVersion) co_return WrongProxy(proxy, "does not speak SOCKS5");
  if (reply[1] == kSocksUserPassword && !proxy.user.empty()) {
    const std::string password = SocksPassword(proxy);
    WEIR_CO_CHECK(co_await Say(stream, proxy, password));
    WEIR_CO_CHECK(co_await ReadExactly(stream, proxy, std::span(reply, 2)));
    if (reply[1] != 0) co_return WrongProxy(proxy, "refused the user name or password");
  } else if (reply[1] != kSocksNoAuth) {
    co_return WrongProxy(proxy, "wants an authentication that is not configured");
  }
  const std::string connect = SocksConnect(host, port);
  WEIR_CO_CHECK(co_await Say(stream, proxy, connect));
  WEIR_CO_CHECK(co_await ReadExactly(stream, proxy, std::span(reply, 4)));
  if (reply[1] != 0) {
    co_return ProxyFailure(proxy, StrCat("cannot reach ", host, ":", port, ": ",
                                         SocksFailure(static_cast<unsigned char>(reply[1]))));
  }
  std::size_t address = reply[3] == kSocksIpv6 ? 16 : 4;
  if (reply[3] == kSocksName) {
    WEIR_CO_CHECK(co_await ReadExactly(stream, proxy, std::span(reply, 1)));
    address = static_cast<unsigned char>(reply[0]);
  }
  const std::size_t rest = address + 2;  // the bound address and port, of no use to us
  const std::span<char> unused(reply, rest <= sizeof(reply) ? rest : sizeof(reply));
  co_return co_await ReadExactly(stream, proxy, unused);
}

async::Task<Result<void>> HttpTunnel(ByteStream& stream, const Proxy& proxy, const Url& target) {
  const std::string request = ConnectRequest(proxy, target);
  WEIR_CO_CHECK(co_await Say(stream, proxy, request));
  // Byte by byte: what follows the head already belongs to the tunnel.
  ResponseParser parser;
  parser.ExpectNoBody();
  std::string head;
  while (!parser.head_done()) {
    char byte = 0;
    WEIR_CO_CHECK(co_await ReadExactly(stream, proxy, std::span(&byte, 1)));
    head += byte;
    if (head.size() > limits::kHeaderBytes) co_return ProxyFailure(proxy, "sent an endless head");
    if (!head.ends_with("\r\n\r\n")) continue;
    const Result<std::size_t> used = parser.Feed(head);
    if (!used) co_return WrongProxy(proxy, "does not answer in HTTP", used.error().message);
    head.erase(0, *used);  // an interim answer, or the real one
  }
  const int status = parser.head().status;
  if (status == 407) {
    std::unexpected<Error> refused = ProxyFailure(
        proxy, "wants a user name and password (407): put USER:PASSWORD@ before its host", {},
        Code::kHttpStatus);
    refused.error().http_status = status;
    refused.error().permanent = true;
    co_return refused;
  }
  if (status / 100 != 2) {
    co_return ProxyFailure(proxy, StrCat("refused to connect to ", HostPort(target), " (", status,
                                         " ", parser.head().reason, ")"));
  }
  co_return Result<void>();
}

}  // namespace

std::unexpected<Error> ProxyFailure(const Proxy& proxy, std::string_view what, std::string cause,
                                    Code code) {
  return Fail(code,
              StrCat("proxy ", proxy.host, ":", proxy.port, " ", what,
                     "; check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY"),
              std::move(cause));
}

std::string ProxyAuthorization(const Proxy& proxy) {
  if (proxy.user.empty()) return {};
  return StrCat("Basic ", Base64Encode(StrCat(proxy.user, ":", proxy.password)));
}

std::string ConnectRequest(const Proxy& proxy, const Url& target) {
  const std::string authorization = ProxyAuthorization(proxy);
  const std::string host = HostPort(target);
  std::string out = StrCat("CONNECT ", host, " HTTP/1.1\r\nHost: ", host, "\r\n");
  if (!authorization.empty()) StrAppend(out, "Proxy-Authorization: ", authorization, "\r\n");
  return out + "\r\n";
}

std::string SocksGreeting(const Proxy& proxy) {
  if (proxy.user.empty()) return {kSocksVersion, 1, kSocksNoAuth};
  return {kSocksVersion, 2, kSocksNoAuth, kSocksUserPassword};
}

std::string SocksPassword(const Proxy& proxy) {
  const std::string_view user = std::string_view(proxy.user).substr(0, 255);
  const std::string_view password = std::string_view(proxy.password).substr(0, 255);
  std::string out(1, 1);
  out += static_cast<char>(user.size());
  out += user;
  out += static_cast<char>(password.size());
  out += password;
  return out;
}

std::string SocksConnect(const std::string& host, std::uint16_t port) {
  std::string out = {kSocksVersion, kSocksConnect, 0};
  boost::system::error_code not_literal;
  const auto address = boost::asio::ip::make_address(host, not_literal);
  if (not_literal) {
    out += kSocksName;
    out += static_cast<char>(host.size());
    out += host;
  } else if (address.is_v4()) {
    out += kSocksIpv4;
    for (const unsigned char byte : address.to_v4().to_bytes()) out += static_cast<char>(byte);
  } else {
    out += kSocksIpv6;
    for (const unsigned char byte : address.to_v6().to_bytes()) out += static_cast<char>(byte);
  }
  out += static_cast<char>(port >> 8);
  out += static_cast<char>(port & 0xFF);
  return out;
}

std::string SocksFailure(int reply_code) {
  constexpr std::string_view kWords[] = {"",
                                         "general failure",
                                         "not allowed by its rules",
                                         "network unreachable",
                                         "host unreachable",
                                         "connection refused",
                                         "timed out",
                                         "command not supported",
                                         "address type not supported"};
  if (reply_code > 0 && reply_code < static_cast<int>(std::size(kWords))) {
    return std::string(kWords[reply_code]);
  }
  return StrCat("SOCKS reply ", reply_code);
}

async::Task<Result<void>> OpenTunnel(async::Context ctx, ByteStream& stream, const Proxy& proxy,
                                     const Url& target) {
  const async::Guard guard(ctx, ctx.deadline, [&] { stream.Close(); });
  Result<void> opened;
  if (proxy.kind == Proxy::Kind::kHttp) {
    opened = co_await HttpTunnel(stream, proxy, target);
  } else {
    opened = co_await SocksTunnel(stream, proxy, target.host, target.port);
  }
  WEIR_CO_CHECK(guard.Check());
  co_return opened;
}

}  // namespace weir::http
