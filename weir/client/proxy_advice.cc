#include "weir/client/proxy_advice.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/http/dialer.h"
#include "weir/wire/codec.h"

namespace weir::client {
namespace {

// The proxy that requests of this engine are handed to one by one.
std::optional<http::Proxy> ForwardingProxy(const config::EngineConfig& config, const Env& env) {
  if (config.kind != config::Kind::kVllm) return std::nullopt;
  const Result<http::Url> url = http::ParseUrl(config.http.upstream.base_url);
  if (!url || url->tls) return std::nullopt;
  Result<std::optional<http::Proxy>> proxy = http::ChooseProxy(http::ProxyFromEnv(env), *url);
  if (!proxy || !*proxy || (*proxy)->kind != http::Proxy::Kind::kHttp) return std::nullopt;
  return *std::move(proxy);
}

}  // namespace

Error WithProxyAdvice(Error error, const config::EngineConfig& config, const Env& env) {
  const std::optional<http::Proxy> proxy = ForwardingProxy(config, env);
  const bool from_afar = error.http_status != 0 || error.code == Code::kProtocolError ||
                         error.code == Code::kStreamTruncated;
  if (!proxy || !from_afar) return error;
  const std::string where = StrCat(proxy->host, ":", proxy->port);
  const int status = error.http_status;
  const std::string said(wire::ServersWords(error.message));
  if (status == 407) {
    error.message =
        StrCat("proxy ", where,
               " wants a user name and password (407): put USER:PASSWORD@ before its "
               "host in HTTP_PROXY, or the server's name into NO_PROXY to go without it",
               said);
  } else if (status == 502 || status == 504) {
    error.message =
        StrCat("proxy ", where, " got no answer from ", config.http.upstream.base_url, " (", status,
               "): is the server up, and can the proxy reach it? Write the server's name into "
               "NO_PROXY to go without the proxy",
               said);
  } else {
    StrAppend(error.message, "; this came through proxy ", where,
              ", which may have said it itself: see HTTP_PROXY, ALL_PROXY and NO_PROXY");
  }
  return error;
}

}  // namespace weir::client
