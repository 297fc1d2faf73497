// Which proxy an origin goes through: the rules of HTTP_PROXY and its relatives.

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include "weir/base/text.h"
#include "weir/http/dialer.h"

namespace weir::http {
namespace {

namespace ip = boost::asio::ip;

constexpr std::size_t kMaxCredential = 255;  // what SOCKS5 can carry

bool IsLoopback(std::string_view host) {
  if (EqualsIgnoreCase(host, "localhost") || ToLower(host).ends_with(".localhost")) return true;
  boost::system::error_code not_literal;
  const ip::address address = ip::make_address(std::string(host), not_literal);
  return !not_literal && address.is_loopback();
}

bool InNetwork(std::string_view network, std::string_view host) {
  boost::system::error_code bad;
  const ip::address address = ip::make_address(std::string(host), bad);
  if (bad) return false;
  if (address.is_v4()) {
    const ip::network_v4 net = ip::make_network_v4(std::string(network), bad);
    return !bad &&
           ip::network_v4(address.to_v4(), net.prefix_length()).canonical() == net.canonical();
  }
  const ip::network_v6 net = ip::make_network_v6(std::string(network), bad);
  return !bad &&
         ip::network_v6(address.to_v6(), net.prefix_length()).canonical() == net.canonical();
}

bool Matches(std::string_view entry, const Url& url) {
  if (entry == "*") return true;
  if (entry.starts_with('[') && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  if (entry.find('/') != entry.npos) return InNetwork(entry, url.host);
  const std::size_t colon = entry.rfind(':');
  if (colon != entry.npos && entry.find(':') == colon) {
    if (ParseUint(entry.substr(colon + 1)) != std::uint64_t{url.port}) return false;
    entry = entry.substr(0, colon);
  }
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  const std::string host = ToLower(url.host);
  const std::string want = ToLower(entry);
  if (want.starts_with('.')) return host.ends_with(want);
  return host == want || host.ends_with("." + want);
}

bool Bypassed(std::string_view no_proxy, const Url& url) {
  for (const std::string_view entry : Split(no_proxy, ',')) {
    const std::string_view trimmed = Trim(entry);
    if (!trimmed.empty() && Matches(trimmed, url)) return true;
  }
  return false;
}

// A password may hold what would end it in a URL: "p%40ss" is "p@ss".
std::string PercentDecode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                        HexValue(text[i + 2]) >= 0;
    if (escape) {
      out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::unexpected<Error> BadProxy(std::string_view text) {
  return Fail(Code::kConfigError,
              StrCat("cannot read the proxy '", text.substr(text.rfind('@') + 1),
                     "'; write http://host:port, socks5://host:port or socks5h://host:port"));
}

Result<Proxy> ParseProxy(std::string_view text) {
  Proxy proxy;
  std::string_view rest = text;
  const std::size_t scheme = rest.find("://");
  const std::string_view name = scheme == rest.npos ? "http" : rest.substr(0, scheme);
  if (scheme != rest.npos) rest.remove_prefix(scheme + 3);
  proxy.port = 1080;
  if (name == "http") {
    proxy.port = 80;
  } else if (name == "socks5") {
    proxy.kind = Proxy::Kind::kSocks5;
  } else if (name == "socks5h" || name == "socks") {
    proxy.kind = Proxy::Kind::kSocks5h;
  } else {
    return BadProxy(text);
  }
  const std::size_t at = rest.rfind('@');
  if (at != rest.npos) {
    const std::string_view user = rest.substr(0, at);
    const std::size_t colon = user.find(':');
    proxy.user = PercentDecode(user.substr(0, colon));
    if (colon != user.npos) proxy.password = PercentDecode(user.substr(colon + 1));
    if (proxy.user.size() > kMaxCredential || proxy.password.size() > kMaxCredential) {
      return BadProxy(text);
    }
    rest.remove_prefix(at + 1);
  }
  // The rest is an ordinary authority: let the URL parser judge it.
  const Result<Url> url = ParseUrl(StrCat("http://", rest));
  if (!url || !url->unix_path.empty()) return BadProxy(text);
  proxy.host = url->host;
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const bool has_port = authority.rfind(':') != authority.npos && !authority.ends_with(']');
  if (has_port) proxy.port = url->port;
  return proxy;
}

}  // namespace

ProxyOptions ProxyFromEnv(const Env& env) {
  const auto get = [&](std::string_view name) {
    const std::optional<std::string> small = env.Get(ToLower(name));
    return small ? *small : env.Get(name).value_or("");
  };
  return ProxyOptions{.http = get("HTTP_PROXY"),
                      .https = get("HTTPS_PROXY"),
                      .all = get("ALL_PROXY"),
                      .no_proxy = get("NO_PROXY")};
}

Result<std::optional<Proxy>> ChooseProxy(const ProxyOptions& options, const Url& url) {
  const std::string& own = url.tls ? options.https : options.http;
  const std::string& text = own.empty() ? options.all : own;
  if (text.empty() || !url.unix_path.empty() || IsLoopback(url.host) ||
      Bypassed(options.no_proxy, url)) {
    return std::optional<Proxy>();
  }
  WEIR_TRY(Proxy proxy, ParseProxy(text));
  return std::optional<Proxy>(std::move(proxy));
}

}  // namespace weir::http
