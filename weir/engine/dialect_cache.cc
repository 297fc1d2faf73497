#include "weir/engine/dialect_cache.h"

#include "weir/base/text.h"

namespace weir::engine {
namespace {

// Long enough not to be felt, short enough to notice that a server was upgraded.
constexpr Duration kLifetime = std::chrono::minutes(10);

}  // namespace

DialectCache::DialectCache(const Adapter& adapter, Upstream& upstream)
    : adapter_(adapter),
      upstream_(upstream),
      assumed_(upstream.options().dialect.value_or(adapter.DialectOf(""))),
      fixed_(upstream.options().dialect.has_value() || adapter.VersionPath().empty()),
      gate_({.permits = 1}) {}

std::optional<wire::Dialect> DialectCache::Known(TimePoint now) const {
  if (fixed_) return assumed_;
  const std::scoped_lock lock(mutex_);
  if (known_ && now < until_) return known_;
  return std::nullopt;
}

async::Task<Result<wire::Dialect>> DialectCache::Ask(async::Context ctx) {
  WEIR_CO_TRY(const async::Semaphore::Permit permit, co_await gate_.Acquire(ctx));
  if (const std::optional<wire::Dialect> known = Known(ctx.Now())) co_return *known;
  async::Span span(ctx, "engine.dialect");
  const Result<std::unique_ptr<http::Response>> response = co_await upstream_.Exchange(
      span.context(), "GET", adapter_.VersionPath(), "", upstream_.options().timeouts);
  std::string body;
  if (response) {
    Result<std::string> read =
        co_await (*response)->ReadAll(span.context(), limits::kErrorBodyBytes);
    if (read) body = *std::move(read);
  } else if (response.error().http_status == 0) {
    span.Fail(response.error());
    co_return Fail(response.error());
  }
  const wire::Dialect dialect = adapter_.DialectOf(body);
  ctx.Emit("engine.dialect", {{"base_url", upstream_.options().base_url},
                              {"version", body.empty() ? "unknown" : std::string_view(body)},
                              {"dialect", dialect.name}});
  const std::scoped_lock lock(mutex_);
  known_ = dialect;
  until_ = After(ctx.Now(), kLifetime);
  co_return dialect;
}

}  // namespace weir::engine
