#include "weir/client/wiring.h"

#include <utility>

#include "weir/engine/decorators.h"
#include "weir/engine/http_engine.h"
#include "weir/sim/sim.h"

namespace weir::client {
namespace {

std::string_view KindName(config::Kind kind) {
  switch (kind) {
    case config::Kind::kVllm:
      return "vllm";
    case config::Kind::kOpenAi:
      return "openai";
    case config::Kind::kOllama:
      return "ollama";
    case config::Kind::kSim:
      return "sim";
  }
  std::unreachable();
}

engine::VerifyOptions VerifyOptionsOf(const config::EngineConfig& config) {
  engine::VerifyOptions options = config.verify;
  options.default_max_tokens = config.defaults.max_tokens;
  options.constraint_sent = config.guided_json && !config.only_json_object;
  return options;
}

}  // namespace

engine::HttpEngineOptions HttpOptionsOf(const config::EngineConfig& config) {
  engine::HttpEngineOptions options = config.http;
  options.name = config.name;
  options.kind = config.kind == config::Kind::kOpenAi   ? wire::ServerKind::kOpenAi
                 : config.kind == config::Kind::kOllama ? wire::ServerKind::kOllama
                                                        : wire::ServerKind::kVllm;
  options.max_logprobs = config.max_logprobs;
  if (config.only_json_object) options.send_constraint = engine::SendConstraint::kJsonObject;
  if (!config.guided_json) options.send_constraint = engine::SendConstraint::kNothing;
  return options;
}

std::unique_ptr<http::Client> BuildTransport(const config::EngineConfig& config, const Env& env) {
  http::DialOptions dial{.tls = config.tls, .proxy = http::ProxyFromEnv(env)};
  return std::make_unique<http::Client>(http::ClientOptions{},
                                        http::NewSystemDialer(std::move(dial)));
}

Result<std::unique_ptr<model::Engine>> BuildEngine(const config::EngineConfig& config,
                                                   http::Client& transport,
                                                   std::shared_ptr<engine::Breaker> breaker) {
  std::unique_ptr<model::Engine> engine;
  const engine::HttpEngineOptions http = HttpOptionsOf(config);
  if (config.kind == config::Kind::kSim) {
    WEIR_TRY(std::shared_ptr<sim::SimCore> core, sim::NewSimCore(config.sim));
    engine = sim::NewSimEngine(std::move(core));
  } else {
    WEIR_TRY(engine, engine::NewHttpEngine(http, transport));
  }
  engine =
      engine::NewRecordEngine(std::move(engine), {.engine = config.name,
                                                  .provider = std::string(KindName(config.kind)),
                                                  .model = config.http.model,
                                                  .debug = config.debug,
                                                  .truncate = config.debug_truncate});
  engine = engine::NewLimitEngine(std::move(engine), config.limits);
  engine = engine::NewRetryEngine(std::move(engine), config.retry, Random::FromSystem(),
                                  std::move(breaker));
  engine::CallDefaults defaults = DefaultsOf(config);
  if (defaults.empty()) return engine;
  return engine::NewDefaultsEngine(std::move(engine), std::move(defaults));
}

Result<Fleet> Fleet::Build(const config::Config& config, const config::EngineConfig& chosen,
                           const Env& env) {
  Fleet fleet;
  std::vector<engine::RegisteredEngine> engines;
  const auto add = [&](const config::EngineConfig& entry) {
    engine::RegisteredEngine registered{.name = entry.name,
                                        .kind = std::string(KindName(entry.kind)),
                                        .model = entry.http.model,
                                        .priority = entry.priority,
                                        .fallback = entry.fallback,
                                        .breaker = std::make_shared<engine::Breaker>(entry.breaker),
                                        .verify = VerifyOptionsOf(entry),
                                        .make = {}};
    // The registry may outlive this Fleet object by a move: what it makes is kept by pointer.
    registered.make = [entry, env, breaker = registered.breaker,
                       transports = fleet.transports_]() -> Result<std::shared_ptr<model::Engine>> {
      if (entry.unusable) return Fail(*entry.unusable);
      transports->push_back(BuildTransport(entry, env));
      WEIR_TRY(std::unique_ptr<model::Engine> engine,
               BuildEngine(entry, *transports->back(), breaker));
      return std::shared_ptr<model::Engine>(std::move(engine));
    };
    engines.push_back(std::move(registered));
  };
  const bool known = config.Find(chosen.name) != nullptr;
  for (const config::EngineConfig& entry : config.engines) {
    add(entry.name == chosen.name ? chosen : entry);
  }
  if (!known) add(chosen);
  WEIR_TRY(fleet.registry_, engine::Registry::Make(std::move(engines), config.routes));
  return fleet;
}

engine::CallDefaults DefaultsOf(const config::EngineConfig& config) {
  return {.sampling = config.defaults, .context_window = config.context_window};
}

}  // namespace weir::client
