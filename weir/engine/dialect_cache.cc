#include "weir/engine/dialect_cache.h"

#include <utility>

#include "weir/base/text.h"

namespace weir::engine {
namespace {

// Long enough not to be felt, short enough to notice that a server was upgraded.
constexpr Duration kLifetime = std::chrono::minutes(10);
// So that those who waited do not find out one after the other.
constexpr Duration kFailureLifetime = std::chrono::milliseconds(500);
constexpr int kOk = 200;

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

std::string DialectCache::Version() const {
  const std::scoped_lock lock(mutex_);
  return version_;
}

async::Task<Result<wire::Dialect>> DialectCache::Ask(async::Context ctx) {
  WEIR_CO_TRY(const async::Semaphore::Permit permit, co_await gate_.Acquire(ctx));
  if (const std::optional<wire::Dialect> known = Known(ctx.Now())) co_return *known;
  if (const std::optional<Error> failure = RecentFailure(ctx.Now())) co_return Fail(*failure);
  async::Span span(ctx, "engine.dialect");
  const Result<Upstream::Answer> told =
      co_await upstream_.Inquire(span.context(), "GET", adapter_.VersionPath(), "");
  if (!told) {
    span.Fail(told.error());
    // The end of this caller is no news of the server.
    const bool is_news = !ctx.cancelled() && ctx.Now() < ctx.deadline;
    const std::scoped_lock lock(mutex_);
    if (is_news) {
      failure_ = told.error();
      failed_until_ = After(ctx.Now(), kFailureLifetime);
    }
    co_return Fail(told.error());
  }
  if (told->status == kOk) {
    co_return Remember(ctx, adapter_.DialectOf(told->body), adapter_.VersionOf(told->body),
                       "unknown");
  }
  const bool lacks_it = told->status == kNotFound || told->status == kMethodNotAllowed;
  // Another status is that of a gateway which answered for it: it is asked again soon.
  if (!lacks_it) {
    const std::scoped_lock lock(mutex_);
    known_ = adapter_.DialectOf("");
    version_.clear();
    until_ = After(ctx.Now(), kFailureLifetime);
    co_return *known_;
  }
  const wire::Dialect inferred = co_await Infer(span.context());
  co_return Remember(ctx, inferred, "", "not told");
}

// What a server without a version shows of it, asked in the order of what shows most.
async::Task<wire::Dialect> DialectCache::Infer(async::Context ctx) {
  for (const Adapter::Hint& hint : adapter_.VersionHints()) {
    const Result<Upstream::Answer> answer =
        co_await upstream_.Inquire(ctx, hint.method, hint.path, std::string(hint.body));
    if (!answer) break;
    if (const std::optional<wire::Dialect> dialect = hint.read(answer->body)) co_return *dialect;
  }
  co_return adapter_.DialectOf("");
}

wire::Dialect DialectCache::Remember(const async::Context& ctx, wire::Dialect dialect,
                                     std::string version, std::string_view otherwise) {
  ctx.Emit("engine.dialect", {{"base_url", upstream_.options().base_url},
                              {"version", version.empty() ? otherwise : std::string_view(version)},
                              {"dialect", dialect.name}});
  const std::scoped_lock lock(mutex_);
  known_ = dialect;
  version_ = std::move(version);
  until_ = After(ctx.Now(), kLifetime);
  return dialect;
}

}  // namespace weir::engine
