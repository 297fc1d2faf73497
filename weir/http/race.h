#pragma once

// Happy eyeballs (RFC 8305): a host of several addresses is reached by the first that answers.

#include <string>
#include <vector>

#include "weir/http/socket_stream.h"

namespace weir::http {

using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

// IPv6 and IPv4 in turn, the family that the resolver put first in front.
Endpoints Interleave(const Endpoints& found);

// Tries `endpoints`, of which there is at least one, in their order: the next when one has failed
// or has not answered for `fallback_delay`. The first to connect wins. When all fail, the
// failure is that of the one that failed first; `where` stands in its message.
async::Task<Result<TcpSocket>> ConnectToAny(async::Context ctx, Endpoints endpoints,
                                            std::string where, Duration fallback_delay);

}  // namespace weir::http
