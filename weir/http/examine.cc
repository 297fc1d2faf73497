#include "weir/http/examine.h"

#include "weir/base/text.h"
#include "weir/http/resolve.h"
#include "weir/http/tls.h"

namespace weir::http {
namespace {

async::Task<Result<TcpSocket>> Connect(async::Context ctx, std::string address,
                                       std::uint16_t port) {
  WEIR_CO_TRY(const Endpoints endpoints, co_await Resolve(ctx, address, port));
  const std::string where = StrCat(address, ":", port);
  co_return co_await ConnectToAny(ctx, endpoints, where, Duration::zero());
}

}  // namespace

async::Task<Result<std::vector<std::string>>> LookUp(async::Context ctx, std::string host) {
  WEIR_CO_TRY(const Endpoints endpoints, co_await Resolve(ctx, host, 0));
  std::vector<std::string> addresses;
  for (const auto& endpoint : endpoints) addresses.push_back(endpoint.address().to_string());
  co_return addresses;
}

async::Task<Result<void>> Knock(async::Context ctx, std::string address, std::uint16_t port) {
  WEIR_CO_TRY(const TcpSocket socket, co_await Connect(ctx, address, port));
  co_return Result<void>();
}

async::Task<Result<void>> ExamineTls(async::Context ctx, TlsOptions options, std::string address,
                                     std::uint16_t port, std::string host, TlsReport& report) {
  WEIR_CO_TRY(const std::unique_ptr<TlsClient> client, NewTlsClient(options));
  WEIR_CO_TRY(TcpSocket socket, co_await Connect(ctx, address, port));
  WEIR_CO_TRY(const std::unique_ptr<ByteStream> stream,
              co_await client->Handshake(ctx, std::move(socket), host, &report));
  co_return Result<void>();
}

}  // namespace weir::http
