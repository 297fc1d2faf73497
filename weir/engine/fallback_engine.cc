#include <algorithm>
#include <map>
#include <mutex>

#include "weir/base/text.h"
#include "weir/engine/answers.h"
#include "weir/engine/decorators.h"
#include "weir/model/model_names.h"

namespace weir::engine {
namespace {

using model::Attempt;

// What a reply says of the routes before the one that gave it.
struct Detour {
  std::vector<Attempt> attempts;
  std::string why;    // empty: the first route answered
  bool told = false;  // by an event of its own
  Duration lost{};    // to the routes before
  std::string model;  // why another model answered; empty: it is the one that was asked for
};

void Tell(const Detour& detour, model::ReplyInfo& info) {
  if (detour.why.empty()) return;
  if (info.first_token > Duration::zero()) info.first_token += detour.lost;
  info.total += detour.lost;
  info.attempts.insert(info.attempts.begin(), detour.attempts.begin(), detour.attempts.end());
  info.degradations.push_back({"engine", detour.why, detour.told});
  if (!detour.model.empty()) info.degradations.push_back({"model", detour.model});
}

// A stream that has begun stays with its engine.
class RoutedStream final : public model::ReplyStream {
 public:
  RoutedStream(std::unique_ptr<model::ReplyStream> next, Detour detour)
      : next_(std::move(next)), detour_(std::move(detour)) {}

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override {
    return next_->Next(ctx, piece);
  }

  model::ReplyInfo info() const override {
    model::ReplyInfo info = next_->info();
    Tell(detour_, info);
    return info;
  }

 private:
  const std::unique_ptr<model::ReplyStream> next_;
  const Detour detour_;
};

// Gives an admitted place back when the call that took it is destroyed midway; otherwise the retry
// decorator below has told how it ended.
class Admission {
 public:
  explicit Admission(Breaker* breaker) : breaker_(breaker) {}
  ~Admission() {
    if (breaker_ != nullptr) breaker_->OnNothing();
  }
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  void Settle() { breaker_ = nullptr; }

 private:
  Breaker* breaker_;
};

// What another engine may do better.
bool MayGoOn(const Error& error) {
  return BlamesEngine(error) || error.code == Code::kUnsupportedConstraint;
}

constexpr Duration kListLifetime = std::chrono::minutes(10);
constexpr std::size_t kMostNames = 256;  // of models that are remembered

// Which models the servers of fallbacks have. Thread-safe.
class Stock {
 public:
  // Whether the route has it, as far as can be found out.
  async::Task<bool> Has(async::Context ctx, const Route& route, std::string model) {
    const std::string key = StrCat(route.name, "\n", model);
    {
      const std::scoped_lock lock(mutex_);
      const auto known = known_.find(key);
      if (known != known_.end() && ctx.Now() < known->second.until) co_return known->second.there;
    }
    const Result<model::EngineInfo> info = co_await route.engine->Describe(ctx);
    if (!info) co_return true;  // its own error will be told
    const bool there = model::FindModel(info->models, info->kind, model) != nullptr;
    const std::scoped_lock lock(mutex_);
    if (known_.size() >= kMostNames) known_.clear();
    known_[key] = {.there = there, .until = After(ctx.Now(), kListLifetime)};
    co_return there;
  }

 private:
  struct Known {
    bool there = false;
    TimePoint until;
  };

  std::mutex mutex_;
  std::map<std::string, Known> known_;
};

class FallbackEngine final : public model::Engine {
 public:
  explicit FallbackEngine(std::vector<Route> routes) : routes_(std::move(routes)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.fallback");
    Detour detour;
    for (std::size_t at = First(ctx, detour);;) {
      const TimePoint start = ctx.Now();
      Admission admission(routes_[at].breaker.get());
      std::optional<model::Call> changed;
      if (at > 0) changed = co_await Fitted(span.context(), at, call, detour);
      const model::Call& sent = changed ? *changed : call;
      async::Task<Result<model::Reply>> asked = routes_[at].engine->Call(span.context(), sent);
      Result<model::Reply>& reply = co_await asked;  // stays there: a Reply is large
      admission.Settle();
      if (reply) {
        Tell(detour, reply->info);
        Settle(at);
        co_return std::move(asked);
      }
      const std::size_t next = Later(ctx, at, reply.error(), start, detour);
      if (next == routes_.size()) {
        span.Fail(reply.error());
        co_return Fail(WithHistory(std::move(reply).error(), detour));
      }
      at = next;
    }
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.fallback");
    Detour detour;
    for (std::size_t at = First(ctx, detour);;) {
      const TimePoint start = ctx.Now();
      Admission admission(routes_[at].breaker.get());
      std::optional<model::Call> changed;
      if (at > 0) changed = co_await Fitted(span.context(), at, call, detour);
      const model::Call& sent = changed ? *changed : call;
      Result<std::unique_ptr<model::ReplyStream>> stream =
          co_await routes_[at].engine->Stream(span.context(), sent);
      admission.Settle();
      if (stream) {
        Settle(at);
        co_return std::make_unique<RoutedStream>(*std::move(stream), std::move(detour));
      }
      const std::size_t next = Later(ctx, at, stream.error(), start, detour);
      if (next == routes_.size()) {
        span.Fail(stream.error());
        co_return Fail(WithHistory(std::move(stream).error(), detour));
      }
      at = next;
    }
  }

  // Of the first route that answers. Of a later one without its models: what is asked for is of the
  // first, and the later one is asked for its own.
  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    Result<model::EngineInfo> first = co_await routes_.front().engine->Describe(ctx);
    for (std::size_t at = 1; !first && at < routes_.size() && !ctx.cancelled(); ++at) {
      Result<model::EngineInfo> later = co_await routes_[at].engine->Describe(ctx);
      if (!later) continue;
      later->models.clear();
      later->model = later->dialect = later->version = {};
      co_return later;
    }
    co_return first;
  }

 private:
  // The call for a route that does not have the model which it names; unset: it goes as it is.
  async::Task<std::optional<model::Call>> Fitted(async::Context ctx, std::size_t at,
                                                 const model::Call& call, Detour& detour) {
    const Route& route = routes_[at];
    detour.model.clear();
    if (call.model.empty() || call.model == route.model) co_return std::nullopt;
    if (std::ranges::find(route.names, call.model) != route.names.end()) co_return std::nullopt;
    const bool there = co_await stock_.Has(ctx, route, call.model);
    if (there) co_return std::nullopt;
    model::Call fitted = call;
    fitted.model.clear();
    detour.model = StrCat("the model ", call.model, " is not there at ", route.name, "; its own ",
                          route.model.empty() ? "model" : route.model, " was used");
    co_return fitted;
  }

  bool Admits(std::size_t at, TimePoint now) const {
    return !routes_[at].breaker || routes_[at].breaker->Admit(now);
  }

  // The first route that takes calls. When none does, the first of all is as good as any.
  std::size_t First(const async::Context& ctx, Detour& detour) {
    const TimePoint now = ctx.Now();
    for (std::size_t at = 0; at < routes_.size(); ++at) {
      if (!Admits(at, now)) continue;
      if (at > 0) {
        detour.why =
            StrCat(routes_.front().name, " is out of service; ", routes_[at].name, " answered");
      }
      return at;
    }
    return 0;
  }

  // The route to try after a failure, or the number of routes: none.
  std::size_t Later(const async::Context& ctx, std::size_t failed, const Error& error,
                    TimePoint start, Detour& detour) {
    if (!MayGoOn(error) || ctx.ended()) {
      return routes_.size();
    }
    std::size_t next = failed + 1;
    while (next < routes_.size() && !Admits(next, ctx.Now())) ++next;
    if (next == routes_.size()) return next;
    const std::string& from = routes_[failed].name;
    const std::string& to = routes_[next].name;
    AddFailure(detour.attempts, from, error, ctx.Now() - start);
    detour.lost += ctx.Now() - start;
    detour.why = StrCat(from, " failed with ", Name(error), "; ", to, " answered");
    detour.told = Announce(failed);
    ctx.Emit("engine:fallback", {{"from", from},
                                 {"to", to},
                                 {"error", Name(error)},
                                 {"message", error.message},
                                 {"first", detour.told}});
    return next;
  }

  static Error WithHistory(Error error, const Detour& detour) {
    for (std::size_t i = 0; i < detour.attempts.size(); ++i) {
      const Attempt& attempt = detour.attempts[i];
      const bool tried_again =
          i + 1 < detour.attempts.size() && detour.attempts[i + 1].engine == attempt.engine;
      if (tried_again) continue;
      StrAppend(error.message, " (before it, ", attempt.engine, " failed with ",
                Name(*attempt.error), ")");
    }
    model::CallTrail trail = model::TrailOf(error);
    std::vector<Attempt>& attempts = trail.info.attempts;
    attempts.insert(attempts.begin(), detour.attempts.begin(), detour.attempts.end());
    SetTrail(error, std::move(trail));
    return error;
  }

  // Whether this outage of a route is new, so that it is worth a warning.
  bool Announce(std::size_t at) {
    const std::scoped_lock lock(mutex_);
    announced_.resize(routes_.size());
    if (announced_[at]) return false;
    announced_[at] = true;
    return true;
  }

  void Settle(std::size_t at) {
    const std::scoped_lock lock(mutex_);
    if (at < announced_.size()) announced_[at] = false;
  }

  const std::vector<Route> routes_;
  Stock stock_;
  std::mutex mutex_;
  std::vector<bool> announced_;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<model::Engine> NewFallbackEngine(std::vector<Route> routes) {
  return std::make_unique<FallbackEngine>(std::move(routes));
}

}  // namespace weir::engine
