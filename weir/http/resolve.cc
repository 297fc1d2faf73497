#include "weir/http/resolve.h"

#include "weir/base/text.h"

namespace weir::http {

namespace asio = boost::asio;
using asio::ip::tcp;

async::Task<Result<Endpoints>> Resolve(async::Context ctx, std::string host, std::uint16_t port,
                                       Lookups& lookups) {
  boost::system::error_code not_literal;
  const asio::ip::address literal = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Endpoints{tcp::endpoint(literal, port)};

  WEIR_CO_TRY(const Lookups::Found found, co_await lookups.Find(ctx, host));
  if (found.addresses.empty()) {
    co_return Fail(Code::kConnectionError,
                   StrCat("cannot find the host '", host,
                          "'; check the spelling of the address and the DNS of this machine"),
                   found.error);
  }
  Endpoints endpoints;
  endpoints.reserve(found.addresses.size());
  for (const asio::ip::address& address : found.addresses) endpoints.emplace_back(address, port);
  co_return Interleave(endpoints);
}

}  // namespace weir::http
