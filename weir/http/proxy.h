#pragma once

// What is said to a proxy before it lets bytes through. The byte layouts are pure functions, so
// that they can be tested without a proxy.

#include "weir/http/dialer.h"

namespace weir::http {

// "CONNECT host:port HTTP/1.1" with credentials, ready to be written.
std::string ConnectRequest(const Proxy& proxy, const Url& target);
// Value of Proxy-Authorization, empty without a user.
std::string ProxyAuthorization(const Proxy& proxy);

// RFC 1928 and 1929. `host` is a name (socks5h, at most 255 bytes) or a literal address.
std::string SocksGreeting(const Proxy& proxy);
std::string SocksPassword(const Proxy& proxy);
std::string SocksConnect(const std::string& host, std::uint16_t port);
// The sentence for a reply code other than 0.
std::string SocksFailure(int reply_code);

// The error of a call that the proxy stands in the way of: names it and the variables that chose
// it.
std::unexpected<Error> ProxyFailure(const Proxy& proxy, std::string_view what,
                                    std::string cause = {}, Code code = Code::kConnectionError);

// Opens a tunnel to `target` over a stream that is connected to the proxy. `stream`, `proxy` and
// `target` must outlive the task; the context's deadline counts.
async::Task<Result<void>> OpenTunnel(async::Context ctx, ByteStream& stream, const Proxy& proxy,
                                     const Url& target);

}  // namespace weir::http
