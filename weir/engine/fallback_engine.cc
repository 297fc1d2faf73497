#include <mutex>

#include "weir/base/text.h"
#include "weir/engine/decorators.h"

namespace weir::engine {
namespace {

using model::Attempt;

// What a reply says of the routes before the one that gave it.
struct Detour {
  std::vector<Attempt> attempts;
  std::string why;    // empty: the first route answered
  bool told = false;  // by an event of its own
  Duration lost{};    // to the routes before
};

void Tell(const Detour& detour, model::ReplyInfo& info) {
  if (detour.why.empty()) return;
  if (info.first_token > Duration::zero()) info.first_token += detour.lost;
  info.total += detour.lost;
  info.attempts.insert(info.attempts.begin(), detour.attempts.begin(), detour.attempts.end());
  info.degradations.push_back({"engine", detour.why, detour.told});
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

class FallbackEngine final : public model::Engine {
 public:
  explicit FallbackEngine(std::vector<Route> routes) : routes_(std::move(routes)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.fallback");
    Detour detour;
    for (std::size_t at = First(ctx, detour);;) {
      const TimePoint start = ctx.Now();
      Admission admission(routes_[at].breaker.get());
      async::Task<Result<model::Reply>> asked = routes_[at].engine->Call(span.context(), call);
      Result<model::Reply>& reply = co_await asked;  // stays there: a Reply is large
      admission.Settle();
      if (reply) {
        Tell(detour, reply->info);
        Settle(at);
        co_return std::move(reply);
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
      Result<std::unique_ptr<model::ReplyStream>> stream =
          co_await routes_[at].engine->Stream(span.context(), call);
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

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return routes_.front().engine->Describe(ctx);
  }

 private:
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
    if (!MayGoOn(error) || ctx.cancelled() || ctx.Now() >= ctx.deadline) {
      return routes_.size();
    }
    std::size_t next = failed + 1;
    while (next < routes_.size() && !Admits(next, ctx.Now())) ++next;
    if (next == routes_.size()) return next;
    const std::string& from = routes_[failed].name;
    const std::string& to = routes_[next].name;
    detour.attempts.push_back({.engine = from, .error = error, .duration = ctx.Now() - start});
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
    for (const Attempt& attempt : detour.attempts) {
      StrAppend(error.message, " (before it, ", attempt.engine, " failed with ",
                Name(*attempt.error), ")");
    }
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
  std::mutex mutex_;
  std::vector<bool> announced_;  // guarded by mutex_
};

}  // namespace

std::unique_ptr<model::Engine> NewFallbackEngine(std::vector<Route> routes) {
  return std::make_unique<FallbackEngine>(std::move(routes));
}

}  // namespace weir::engine
