#pragma once

// Dialer: turns an origin into a connected stream. The system's dialer looks names up, races
// addresses (happy eyeballs), goes through proxies and speaks TLS. Tests hand in their own.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/env.h"
#include "weir/http/byte_stream.h"
#include "weir/http/origin.h"

namespace weir::http {

struct Connection {
  std::unique_ptr<ByteStream> stream;
  // Set when an HTTP proxy forwards plain requests: the request line then names the whole URL, and
  // this goes into Proxy-Authorization unless it is empty.
  bool absolute_form = false;
  std::string proxy_authorization;
};

class Dialer {
 public:
  virtual ~Dialer() = default;

  // Connects within `ctx`. `connect_timeout` is the clock `connect`; zero: only the context's
  // deadline counts. Fails with kConnectionError, kTimeout or kCancelled, and with
  // kHttpStatus when a proxy wants a password. `origin` must outlive the task.
  virtual async::Task<Result<Connection>> Dial(async::Context ctx, const Origin& origin,
                                               Duration connect_timeout) = 0;
};

struct Proxy {
  enum class Kind : std::uint8_t { kHttp, kSocks5, kSocks5h };

  Kind kind = Kind::kHttp;
  std::string host;
  std::uint16_t port = 0;
  std::string user;
  std::string password;
};

struct ProxyOptions {
  std::string http;      // proxy for http:// origins, e.g. "http://proxy:3128", "socks5://p:1080"
  std::string https;     // proxy for https:// origins
  std::string all;       // proxy for both, where the one above is empty
  std::string no_proxy;  // comma list of hosts, .suffixes, host:port, addresses, networks or "*"
};

// HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in capitals or not (not wins, as in curl).
ProxyOptions ProxyFromEnv(const Env& env);

// The proxy for this origin. Loopback names and Unix sockets never go through one.
Result<std::optional<Proxy>> ChooseProxy(const ProxyOptions& options, const Url& url);

struct TlsOptions {
  std::string ca_file;      // PEM file of trusted roots; empty: the system's
  std::string cert_file;    // client certificate chain (PEM); empty: none
  std::string key_file;     // its private key (PEM)
  std::string server_name;  // name to ask for and to check; empty: the URL's host
  bool verify = true;       // false accepts any certificate: for tests against throw-away servers
};

struct DialOptions {
  TlsOptions tls;
  ProxyOptions proxy;
  Duration fallback_delay = std::chrono::milliseconds(250);  // before the next address is tried too
};

// Certificates are read at the first https connection, which fails with kConfigError when that is
// not possible. Thread-safe.
std::unique_ptr<Dialer> NewSystemDialer(DialOptions options);

}  // namespace weir::http
