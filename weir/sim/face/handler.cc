// The HTTP door: who may come in, and which room it is.

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/sim/face/batch_desk.h"
#include "weir/sim/face/visit.h"

namespace weir::sim {
namespace {

using async::Task;

constexpr wire::Version kMoreGuarded{0, 22, 0};  // before it only /v1
constexpr wire::Version kCohereGuarded{0, 28, 0};

bool Fits(std::string_view pattern, std::string_view path) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == path;
  const std::string_view before = pattern.substr(0, star);
  const std::string_view behind = pattern.substr(star + 1);
  if (path.size() <= before.size() + behind.size()) return false;
  if (!path.starts_with(before) || !path.ends_with(behind)) return false;
  path.remove_prefix(before.size());
  path.remove_suffix(behind.size());
  return !path.contains('/');
}

// What vLLM guards with its key; the other servers guard everything.
bool IsGuarded(const wire::Dialect& dialect, std::string_view path) {
  if (dialect.kind != wire::ServerKind::kVllm) return !path.starts_with("/sim/");
  if (path.starts_with("/v1")) return true;
  if (dialect.version < kMoreGuarded) return false;
  if (path.starts_with("/v2") || path.starts_with("/inference")) return true;
  return dialect.version >= kCohereGuarded && path.starts_with("/cohere");
}

bool MayPass(const Visit& visit, std::string_view path) {
  const std::vector<std::string>& keys = visit.core.options().api_keys;
  const http::RequestHead& head = visit.exchange.head();
  if (keys.empty() || head.method == "OPTIONS" || !IsGuarded(visit.dialect(), path)) return true;
  const std::optional<std::string_view> given = head.headers.Find("Authorization");
  if (!given) return false;
  const std::size_t blank = given->find(' ');
  if (blank == given->npos || !EqualsIgnoreCase(given->substr(0, blank), "Bearer")) return false;
  const std::string_view key = given->substr(blank + 1);
  return std::ranges::find(keys, key) != keys.end();
}

// What vLLM leaves out of its own HTTP counters.
bool IsCounted(std::string_view path) {
  constexpr std::string_view kLeftOut[] = {"/metrics", "/health",  "/load",
                                           "/ping",    "/version", "/server_info"};
  return !path.starts_with("/sim/") && std::ranges::find(kLeftOut, path) == std::end(kLeftOut);
}

class SimHandler final : public http::Handler {
 public:
  explicit SimHandler(std::shared_ptr<SimCore> core) : core_(std::move(core)), desk_(*core_) {
    if (core_->options().dialect.kind == wire::ServerKind::kOllama) {
      rooms_ = {OllamaRoutes(), GenerateRoutes(), ControlRoutes(), EmbeddingRoutes(),
                WatchRoutes()};
    } else {
      rooms_ = {GenerateRoutes(), ControlRoutes(), ResponsesRoutes(), EmbeddingRoutes(),
                WatchRoutes(),    FileRoutes(),    BatchRoutes()};
    }
  }

  Task<void> Handle(http::Exchange& exchange) override {
    Visit visit{.exchange = exchange, .core = *core_, .desk = desk_};
    std::string_view path = visit.path();
    if (!path.starts_with("/sim/")) {
      core_->log().Add(exchange.head(), exchange.body(), visit.WallNanos());
    }
    const std::string& models_path = core_->options().models_path;
    if (!models_path.empty() && path == models_path) path = "/v1/models";
    std::string_view handler = "none";
    if (!MayPass(visit, path)) {
      co_await RespondUnauthorized(visit);
    } else {
      const Found found = Find(exchange.head().method, path);
      if (found.route != nullptr) {
        handler = found.route->path;
        co_await Serve(visit, *found.route);
      } else {
        co_await RespondLost(visit, found.allowed);
      }
    }
    if (IsCounted(path)) {
      core_->metrics().OnHttp(handler, exchange.head().method, visit.status,
                              exchange.context().Now() - visit.began);
    }
  }

 private:
  struct Found {
    const Route* route = nullptr;
    std::string_view allowed;  // another method of this path
  };

  Found Find(std::string_view method, std::string_view path) const {
    Found found;
    for (const std::span<const Route> room : rooms_) {
      for (const Route& route : room) {
        if (!Fits(route.path, path)) continue;
        if (route.there != nullptr && !route.there(core_->options())) continue;
        if (route.method == method) return {&route, {}};
        if (found.allowed.empty()) found.allowed = route.method;
      }
    }
    return found;
  }

  const std::shared_ptr<SimCore> core_;
  BatchDesk desk_;
  std::array<std::span<const Route>, 7> rooms_;
};

}  // namespace

std::unique_ptr<http::Handler> NewSimHandler(std::shared_ptr<SimCore> core) {
  return std::make_unique<SimHandler>(std::move(core));
}

}  // namespace weir::sim
