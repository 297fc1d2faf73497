#include "weir/engine/server_load.h"

#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/engine/adapter.h"
#include "weir/engine/upstream.h"

namespace weir::engine {

bool TellsLoad(wire::ServerKind kind) { return !NewAdapter(kind)->MetricsPath().empty(); }

async::Task<Result<wire::ServerLoad>> FetchServerLoad(async::Context ctx, HttpEngineOptions options,
                                                      http::Client& client) {
  const std::unique_ptr<Adapter> adapter = NewAdapter(options.kind);
  const std::string_view path = adapter->MetricsPath();
  if (path.empty()) {
    co_return Fail(Code::kUnsupportedParam,
                   StrCat("a server of kind ", adapter->kind(), " does not tell how busy it is"));
  }
  WEIR_CO_TRY(const std::unique_ptr<Upstream> upstream,
              Upstream::Make(std::move(options.upstream), client));
  WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
              co_await upstream->Exchange(ctx, "GET", path, "", upstream->options().timeouts));
  WEIR_CO_TRY(const std::string metrics, co_await response->ReadAll(ctx, limits::kReplyBodyBytes));
  co_return wire::ReadServerLoad(metrics);
}

}  // namespace weir::engine
