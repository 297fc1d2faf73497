#include "weir/engine/dialect_cache.h"

#include "weir/base/text.h"

namespace weir::engine {
namespace {

// Long enough not to be felt, short enough to notice that a server was upgraded.
constexpr Duration kLifetime = std::chrono::minutes(10);
// So that those who waited do not find out one after the other.
constexpr Duration kFailureLifetime = std::chrono::milliseconds(500);
constexpr int kNotFound = 404;
constexpr int kMethodNotAllowed = 405;

}  // namespace

DialectCache::DialectCache(const Adapter& adapter, Upstream& upstream)
    : adapter_(adapter),
      upstream_(upstream),
      assumed_(upstream.options().dialect.value_or(adapter.DialectOf(""))),
      fixed_(upstream.options().dialect.has_value() || !adapter.VersionsDiffer()),
      gate_({.permits = 1}) {}

std::optional<wire::Dialect> DialectCache::Known(TimePoint now) const {
  if (fixed_) return assumed_;
  const std::scoped_lock lock(mutex_);
  if (known_ && now < until_) return known_;
  return std::nullopt;
}

std::optional<Error> DialectCache::RecentFailure(TimePoint now) const {
  const std::scoped_lock lock(mutex_);
  return now < failed_until_ ? failure_ : std::nullopt;
}

async::Task<Result<wire::Dialect>> DialectCache::Ask(async::Context ctx) {
  WEIR_CO_TRY(const async::Semaphore::Permit permit, co_await gate_.Acquire(ctx));
  if (const std::optional<wire::Dialect> known = Known(ctx.Now())) co_return *known;
  if (const std::optional<Error> failure = RecentFailure(ctx.Now())) co_return Fail(*failure);
  async::Span span(ctx, "engine.dialect");
  const Result<std::unique_ptr<http::Response>> response = co_await upstream_.Exchange(
      span.context(), "GET", adapter_.VersionPath(), "", upstream_.options().timeouts);
  std::string body;
  bool settled = !response && (response.error().http_status == kNotFound ||
                               response.error().http_status == kMethodNotAllowed);
  if (response) {
    Result<std::string> read =
        co_await (*response)->ReadAll(span.context(), limits::kErrorBodyBytes);
    settled = read.has_value();
    if (read) body = *std::move(read);
  } else if (response.error().http_status == 0) {
    span.Fail(response.error());
    const std::scoped_lock lock(mutex_);
    failure_ = response.error();
    failed_until_ = After(ctx.Now(), kFailureLifetime);
    co_return Fail(response.error());
  }
  const wire::Dialect dialect = adapter_.DialectOf(body);
  if (!settled) co_return dialect;  // a gateway answered for it: the next call asks again
  const std::string version = adapter_.VersionOf(body);
  ctx.Emit("engine.dialect", {{"base_url", upstream_.options().base_url},
                              {"version", version.empty() ? "unknown" : std::string_view(version)},
                              {"dialect", dialect.name}});
  const std::scoped_lock lock(mutex_);
  known_ = dialect;
  until_ = After(ctx.Now(), kLifetime);
  co_return dialect;
}

}  // namespace weir::engine
