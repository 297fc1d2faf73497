#include "weir/engine/managed/server_probe.h"

#include <algorithm>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/engine/managed/servers.h"
#include "weir/model/model_names.h"

namespace weir::engine {
namespace {

constexpr Duration kLookTime = std::chrono::seconds(3);
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;

std::unexpected<Error> WantsKey(const std::string& address) {
  return Fail(Code::kConfigError,
              StrCat(address,
                     " wants another key: set `api_key` of the engine to that of the "
                     "server's --api-key"));
}

bool IsKeyTrouble(int status) { return status == kUnauthorized || status == kForbidden; }

async::Task<Result<std::vector<std::string>>> ModelsOf(async::Context ctx, http::Client& client,
                                                       HttpEngineOptions options) {
  WEIR_CO_TRY(const std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  const std::unique_ptr<Adapter> adapter = NewAdapter(options.kind);
  WEIR_CO_TRY(const std::vector<model::ModelEntry> entries,
              co_await ListModels(ctx, *upstream, *adapter));
  co_return model::IdsOf(entries);
}

}  // namespace

bool PortIsFree(std::int64_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // What has just closed is no obstacle; what listens still is.
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  const bool free = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

bool ServerSight::Has(const std::string& model) const {
  return model.empty() || std::ranges::find(models, model) != models.end();
}

async::Task<ServerSight> LookAtPort(async::Context ctx, http::Client& client,
                                    HttpEngineOptions options, std::int64_t port) {
  using What = ServerSight::What;
  if (PortIsFree(port)) co_return ServerSight{.what = What::kNothing, .models = {}};
  options.upstream.base_url = AddressOf(port);
  async::Context look = ctx.WithTimeout(kLookTime);
  look.trace = nullptr;
  Result<std::vector<std::string>> models = co_await ModelsOf(look, client, std::move(options));
  if (!models) co_return ServerSight{.what = What::kOther, .models = {}};
  co_return ServerSight{.what = What::kModels, .models = *std::move(models)};
}

async::Task<Result<void>> CheckServer(async::Context ctx, http::Client& client,
                                      HttpEngineOptions options, std::string health,
                                      std::string model) {
  async::Context look = ctx.WithTimeout(kLookTime);
  look.trace = nullptr;
  const std::string address = options.upstream.base_url;
  WEIR_CO_TRY(const std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  WEIR_CO_TRY(const Upstream::Answer answer, co_await upstream->Inquire(look, "GET", health, ""));
  if (IsKeyTrouble(answer.status)) co_return WantsKey(address);
  const bool usual = health == ServeOptions().health;
  const bool healthy = answer.status >= 200 && answer.status < 300;
  if (!healthy && !(usual && answer.status == kNotFound)) {
    co_return Fail(Code::kHttpStatus, StrCat(health, " answers ", answer.status));
  }
  Result<std::vector<std::string>> models = co_await ModelsOf(look, client, std::move(options));
  if (!models && IsKeyTrouble(models.error().http_status)) co_return WantsKey(address);
  if (!models) co_return Fail(models.error());
  const ServerSight sight{.what = ServerSight::What::kModels, .models = *std::move(models)};
  if (sight.Has(model)) co_return Result<void>();
  co_return Fail(Code::kConfigError, StrCat(address, " serves ", Join(sight.models, ", "),
                                            " and not the model '", model, "'"));
}

}  // namespace weir::engine
