#include "weir/client/wiring.h"

#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/client/engine_host.h"
#include "weir/client/managed_engine.h"
#include "weir/engine/budget_engine.h"
#include "weir/engine/card_engine.h"
#include "weir/engine/choose_engine.h"
#include "weir/engine/control.h"
#include "weir/engine/decorators.h"
#include "weir/engine/embed_engine.h"
#include "weir/engine/http_engine.h"
#include "weir/engine/lora_engine.h"
#include "weir/engine/prefix.h"
#include "weir/engine/replicas.h"
#include "weir/sim/sim.h"
#include "weir/store/files.h"

namespace weir::client {
namespace {

engine::VerifyOptions VerifyOptionsOf(const config::EngineConfig& config) {
  engine::VerifyOptions options = config.verify;
  options.default_max_tokens = config.defaults.max_tokens;
  options.constraint_sent = config.guided_json && !config.only_json_object;
  return options;
}

engine::AdapterShelfOptions ShelfOptionsOf(const config::EngineConfig& config) {
  engine::AdapterShelfOptions options{
      .engine = config.name, .adapters = {}, .may_load = config.load_adapters};
  for (const config::AdapterConfig& adapter : config.adapters) {
    options.adapters.push_back({.name = adapter.name, .path = adapter.path});
  }
  return options;
}

// The simulator of this process, as a server with the adapters that it was given.
class SimHost final : public engine::AdapterHost {
 public:
  explicit SimHost(std::unique_ptr<model::Engine> door) : door_(std::move(door)) {}

  const std::string& address() const override { return address_; }
  async::Task<Result<std::vector<model::ModelEntry>>> Models(async::Context ctx) override {
    WEIR_CO_TRY(model::EngineInfo info, co_await door_->Describe(ctx));
    co_return std::move(info.models);
  }
  async::Task<Result<engine::AdapterLoad>> LoadAdapter(async::Context /*ctx*/, std::string /*name*/,
                                                       std::string /*path*/) override {
    co_return Fail(Unchanging());
  }
  async::Task<Result<void>> UnloadAdapter(async::Context /*ctx*/, std::string /*name*/) override {
    co_return Fail(Unchanging());
  }
  async::Task<Result<engine::MayLoad>> MayLoadAdapters(async::Context /*ctx*/) override {
    co_return engine::MayLoad::kNo;
  }

 private:
  static Error Unchanging() {
    return {.code = Code::kUnsupportedParam,
            .message = "the embedded simulator has the adapters of its engine and no others"};
  }

  const std::unique_ptr<model::Engine> door_;
  const std::string address_ = "the embedded simulator";
};

class SimHosts final : public engine::HostFinder {
 public:
  explicit SimHosts(std::shared_ptr<engine::AdapterHost> host) : host_(std::move(host)) {}

  async::Task<Result<engine::AdapterHosts>> Find(async::Context /*ctx*/) override {
    co_return engine::AdapterHosts{host_};
  }

 private:
  const std::shared_ptr<engine::AdapterHost> host_;
};

std::unique_ptr<model::Engine> WithAdapters(std::unique_ptr<model::Engine> next,
                                            const config::EngineConfig& config,
                                            std::unique_ptr<engine::HostFinder> hosts) {
  auto shelf = std::make_shared<engine::AdapterShelf>(ShelfOptionsOf(config), std::move(hosts));
  engine::LoraOptions options;
  if (config.adapter_fallback == "error") options.fallback = engine::AdapterFallback::kError;
  if (config.kind == config::Kind::kSim) {
    options.remedy = StrCat("name it in `adapters` of ", config.name);
  }
  return engine::NewLoraEngine(std::move(next), std::move(shelf), std::move(options));
}

std::string SimNameOf(const config::EngineConfig& config) {
  return config.name.empty() ? "sim" : config.name;
}

// The simulator, with the script that lies beside the configuration.
Result<std::shared_ptr<sim::SimCore>> Simulated(const config::EngineConfig& config) {
  sim::SimOptions options = config.sim;
  if (!config.sim_scenario.empty()) {
    WEIR_TRY(const std::optional<std::string> text,
             store::ReadFile(config.sim_scenario, limits::kConfigFileBytes));
    if (!text) {
      return Fail(Code::kConfigError, StrCat("there is no file ", config.sim_scenario,
                                             "; check `sim.scenario` of engine ", config.name));
    }
    WEIR_TRY(options.script, sim::LoadScript(*text, config.sim_scenario));
  }
  return sim::NewSimCore(std::move(options));
}

engine::ThinkingField SwitchingOf(config::Kind kind) {
  if (kind == config::Kind::kOllama) return engine::ThinkingField::kOwn;
  if (kind == config::Kind::kOpenAi) return engine::ThinkingField::kNone;
  return engine::ThinkingField::kTemplate;
}

// Retry, limit and record.
std::unique_ptr<model::Engine> WithCare(std::unique_ptr<model::Engine> engine,
                                        const config::EngineConfig& config, const Shared& shared) {
  engine = engine::NewRecordEngine(std::move(engine),
                                   {.engine = config.name,
                                    .provider = std::string(config::KindName(config.kind)),
                                    .model = config.http.model,
                                    .debug = config.debug,
                                    .truncate = config.debug_truncate,
                                    .deltas = shared.tells_deltas});
  engine = engine::NewLimitEngine(std::move(engine), config.limits, shared.places);
  return engine::NewRetryEngine(std::move(engine), config.retry, Random::FromSystem(),
                                shared.breaker, config.name);
}

// What the model's card says, and the best of several candidates.
std::unique_ptr<model::Engine> WithCard(std::unique_ptr<model::Engine> next,
                                        const config::EngineConfig& config,
                                        std::vector<text::ModelCard> cards) {
  const bool own_words = config.kind == config::Kind::kVllm || config.kind == config::Kind::kSim;
  next = engine::NewCardEngine(std::move(next),
                               {.model = config.http.model,
                                .cards = std::move(cards),
                                .tool_mode = config.tool_mode,
                                .reads_text = own_words,
                                .switching = SwitchingOf(config.kind)},
                               Random::FromSystem());
  const bool several =
      config.kind != config::Kind::kOllama && config.http.api != model::Api::kResponses;
  return engine::NewChooseEngine(std::move(next), several);
}

}  // namespace

Result<std::vector<text::ModelCard>> CardsOf(const std::string& path) {
  if (path.empty()) return std::vector<text::ModelCard>();
  WEIR_TRY(const std::optional<std::string> text, store::ReadFile(path, limits::kConfigFileBytes));
  if (!text) {
    return Fail(Code::kConfigError,
                StrCat("there is no file ", path, "; check `model_cards` of the configuration"));
  }
  return text::CardsFromYaml(*text, path);
}

engine::HttpEngineOptions HttpOptionsOf(const config::EngineConfig& config) {
  engine::HttpEngineOptions options = config.http;
  options.name = config.name;
  options.kind = config.kind == config::Kind::kOpenAi   ? wire::ServerKind::kOpenAi
                 : config.kind == config::Kind::kOllama ? wire::ServerKind::kOllama
                                                        : wire::ServerKind::kVllm;
  options.upstream.when_refused = engine::WhenRefused(options.kind);
  options.max_logprobs = config.max_logprobs;
  options.tells_bytes = config.debug == engine::DebugLevel::kRaw;
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
                                                   http::Client& transport, Shared shared) {
  std::unique_ptr<model::Engine> engine;
  std::unique_ptr<engine::HostFinder> hosts;  // null: this kind has no adapters
  const engine::HttpEngineOptions http = HttpOptionsOf(config);
  if (config.kind == config::Kind::kSim) {
    WEIR_TRY(const std::shared_ptr<sim::SimCore> core, Simulated(config));
    engine = sim::NewSimEngine(core, SimNameOf(config));
    auto host = std::make_shared<SimHost>(sim::NewSimEngine(core, SimNameOf(config)));
    hosts = std::make_unique<SimHosts>(std::move(host));
  } else {
    WEIR_TRY(engine, engine::NewHttpEngine(http, transport));
  }
  engine = WithCare(std::move(engine), config, shared);
  engine = WithCard(std::move(engine), config, std::move(shared.cards));
  std::shared_ptr<engine::TokenCounter> counter;
  if (config.kind == config::Kind::kVllm) {
    WEIR_TRY(hosts, engine::NewResolvedHosts(http, config.replicas, transport));
    WEIR_TRY(counter, engine::Control::Make(http, transport));
  }
  if (hosts) engine = WithAdapters(std::move(engine), config, std::move(hosts));
  engine =
      engine::NewBudgetEngine(std::move(engine), {.engine = config.name, .prices = config.prices},
                              std::move(shared.budget), std::move(counter));
  engine = engine::NewPrefixEngine(std::move(engine), {.engine = config.name, .name = {}});
  engine::CallDefaults defaults = DefaultsOf(config);
  if (defaults.empty()) return engine;
  return engine::NewDefaultsEngine(std::move(engine), std::move(defaults));
}

http::Client& Fleet::Transports::Add(std::unique_ptr<http::Client> transport) {
  const std::scoped_lock lock(mutex_);
  return *all_.emplace_back(std::move(transport));
}

Result<Fleet> Fleet::Build(const config::Config& config, const config::EngineConfig& chosen,
                           const Env& env) {
  Fleet fleet;
  std::vector<engine::RegisteredEngine> engines;
  if (config.max_in_flight) {
    const async::SemaphoreOptions limit{.permits = static_cast<std::size_t>(*config.max_in_flight)};
    fleet.shared_.places = std::make_shared<async::Semaphore>(limit);
  }
  fleet.shared_.tells_deltas = config.events.deltas;
  if (config.budget.max_tokens || config.budget.max_cost) {
    fleet.shared_.budget = std::make_shared<engine::SharedBudget>(config.budget);
  }
  WEIR_TRY(fleet.shared_.cards, CardsOf(config.model_cards));
  Shared shared = fleet.shared_;
  const auto add = [&](const config::EngineConfig& entry) {
    engine::RegisteredEngine registered{.name = entry.name,
                                        .kind = std::string(config::KindName(entry.kind)),
                                        .model = entry.http.model,
                                        .priority = entry.priority,
                                        .fallback = entry.fallback,
                                        .breaker = std::make_shared<engine::Breaker>(entry.breaker),
                                        .adapters = {},
                                        .verify = VerifyOptionsOf(entry),
                                        .confidence = entry.confidence,
                                        .default_temperature = entry.defaults.temperature,
                                        .make = {}};
    for (const config::AdapterConfig& adapter : entry.adapters) {
      registered.adapters.push_back(adapter.name);
    }
    // The registry may outlive this Fleet object by a move: what it makes is kept by pointer.
    shared.breaker = registered.breaker;
    registered.make = [entry, env, shared,
                       transports = fleet.transports_]() -> Result<std::shared_ptr<model::Engine>> {
      if (entry.unusable) return Fail(*entry.unusable);
      const auto build =
          [=](const config::EngineConfig& config) -> Result<std::shared_ptr<model::Engine>> {
        WEIR_TRY(std::unique_ptr<model::Engine> engine,
                 BuildEngine(config, transports->Add(BuildTransport(config, env)), shared));
        return std::shared_ptr<model::Engine>(std::move(engine));
      };
      if (!entry.managed) return build(entry);
      if (!entry.http.upstream.base_url.empty()) {
        WEIR_TRY(std::shared_ptr<model::Engine> engine, build(entry));
        return NewManagedEngine(entry.name, [engine = std::move(engine)] { return engine; });
      }
      return NewManagedEngine(entry.name, [=]() -> Result<std::shared_ptr<model::Engine>> {
        config::EngineConfig found = entry;
        FindRunning(found, env);
        if (found.http.upstream.base_url.empty()) return Fail(ServerIsAway(entry.name));
        return build(found);
      });
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

std::unique_ptr<model::Engine> WithChanges(std::unique_ptr<model::Engine> next,
                                           const config::EngineConfig& config,
                                           std::vector<text::ModelCard> cards) {
  return engine::NewDefaultsEngine(WithCard(std::move(next), config, std::move(cards)),
                                   DefaultsOf(config));
}

engine::CallDefaults DefaultsOf(const config::EngineConfig& config) {
  return {.sampling = config.defaults, .context_window = config.context_window};
}

Result<std::shared_ptr<model::Engine>> Fleet::NewEmbedder(const config::EngineConfig& config,
                                                          const Env& env) {
  if (config.unusable) return Fail(*config.unusable);
  if (config.kind == config::Kind::kSim) {
    return Fail(Code::kUnsupportedParam,
                "the embedded simulator has no embeddings; start `weir sim` and give its address "
                "with -e");
  }
  WEIR_TRY(
      std::unique_ptr<engine::Control> control,
      engine::Control::Make(HttpOptionsOf(config), transports_->Add(BuildTransport(config, env))));
  std::unique_ptr<model::Engine> embedder =
      WithCare(engine::NewEmbedEngine(std::move(control)), config, shared_);
  // Each text has a window of its own.
  embedder = engine::NewBudgetEngine(
      std::move(embedder), {.engine = config.name, .prices = config.prices, .ask_window = false},
      shared_.budget, nullptr);
  return std::shared_ptr<model::Engine>(std::move(embedder));
}

}  // namespace weir::client
