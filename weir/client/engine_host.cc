#include "weir/client/engine_host.h"

#include <algorithm>
#include <set>

#include "weir/base/text.h"
#include "weir/engine/control.h"

namespace weir::client {
namespace {

using engine::ServeOptions;

constexpr Duration kPrefixesTimeout = std::chrono::seconds(2);

// What is asked of its server. The key that it is told to want is the one that it is given.
engine::ManagedEngine ManagedOf(const config::EngineConfig& config) {
  engine::ManagedEngine managed{.http = HttpOptionsOf(config),
                                .model = config.http.model,
                                .serve = *config.serve,
                                .port = engine::FixedPort(*config.serve).value_or(0)};
  managed.http.model = engine::ServedModel(managed.serve, managed.model);
  const std::optional<std::string> key = engine::FlagValue(managed.serve.flags, "api-key");
  std::string& sent = managed.http.upstream.api_key;
  if (key && (sent.empty() || sent == "EMPTY")) sent = *key;
  return managed;
}

void TakeAddress(const engine::ManagedEngine& managed, config::EngineConfig& config) {
  config.http.upstream.base_url = engine::AddressOf(managed.port);
  config.http.upstream.api_key = managed.http.upstream.api_key;
  config.http.model = managed.http.model;
}

}  // namespace

bool HasManaged(const config::Config& config, const config::EngineConfig& chosen) {
  return chosen.managed || std::ranges::any_of(config.engines, &config::EngineConfig::managed);
}

void FindRunning(config::EngineConfig& engine, const Env& env) {
  if (!engine.managed) return;
  engine::ManagedEngine managed = ManagedOf(engine);
  const Result<engine::ServerFolder> folder = engine::ServerFolder::Open(env);
  if (!folder) return;
  for (const engine::ServerRecord& record : folder->List()) {
    const bool same = record.engine == engine.name && record.model == managed.http.model;
    if (!same || (managed.port != 0 && record.port != managed.port)) continue;
    managed.port = record.port;
    return TakeAddress(managed, engine);
  }
}

async::Task<Result<std::unique_ptr<EngineHost>>> EngineHost::Open(async::Context ctx,
                                                                  EngineHostOptions options) {
  // Not make_unique: the constructor is private.
  std::unique_ptr<EngineHost> host(new EngineHost(std::move(options)));
  EngineHostOptions& own = host->options_;
  const auto namesake =
      std::ranges::find(own.config.engines, own.chosen.name, &config::EngineConfig::name);
  if (namesake == own.config.engines.end()) {
    own.config.engines.push_back(own.chosen);
  } else {
    *namesake = own.chosen;
  }
  for (const std::string& name : own.asked) {
    const bool is_new = own.config.Find(name) == nullptr && !own.config.routes.roles.contains(name);
    if (name != "sim" || !is_new) continue;
    config::EngineConfig simulator;
    WEIR_CO_TRY(simulator, config::ResolveEngine(own.config, name, own.env));
    own.config.engines.push_back(std::move(simulator));
  }
  WEIR_CO_CHECK(co_await host->ChoosePorts(ctx));
  own.chosen = *own.config.Find(own.chosen.name);
  WEIR_CO_TRY(Fleet fleet, Fleet::Build(own.config, own.chosen, own.env));
  host->fleet_.emplace(std::move(fleet));
  co_return std::move(host);
}

async::Task<Result<void>> EngineHost::ChoosePorts(async::Context ctx) {
  std::set<std::int64_t> taken;
  for (const config::EngineConfig& engine : options_.config.engines) {
    if (!engine.managed || engine.unusable) continue;
    engine::ManagedEngine managed = ManagedOf(engine);
    if (managed.port != 0) taken.insert(managed.port);
    managed_.emplace(engine.name, std::move(managed));
  }
  if (managed_.empty()) co_return Result<void>();
  WEIR_CO_TRY(servers_, engine::Servers::Open({.env = options_.env, .owner = options_.owner}));
  std::size_t index = 0;
  for (config::EngineConfig& engine : options_.config.engines) {
    const auto found = managed_.find(engine.name);
    if (found == managed_.end()) continue;
    engine::ManagedEngine& managed = found->second;
    if (managed.port == 0) {
      Result<std::int64_t> port = co_await servers_->ChoosePort(ctx, managed, index, taken);
      if (!port) co_return Fail(std::move(port).error());
      managed.port = *port;
      taken.insert(managed.port);
    }
    ++index;
    TakeAddress(managed, engine);
  }
  co_return Result<void>();
}

std::string EngineHost::Meant(const std::string& name) const {
  if (!name.empty()) return name;
  if (!options_.route.empty()) return options_.route;
  const auto role = options_.config.routes.roles.find("default");
  const bool routed = role != options_.config.routes.roles.end() && !role->second.empty();
  return routed ? role->first : options_.config.default_engine;
}

const config::EngineConfig* EngineHost::Find(const std::string& name) const {
  const std::string meant = Meant(name);
  if (const config::EngineConfig* engine = options_.config.Find(meant)) return engine;
  const auto role = options_.config.routes.roles.find(meant);
  const bool routed = role != options_.config.routes.roles.end() && !role->second.empty();
  return routed ? options_.config.Find(role->second.front()) : nullptr;
}

Result<std::shared_ptr<model::Engine>> EngineHost::Get(const std::string& name) {
  return fleet_->Get(Meant(name));
}

Result<std::shared_ptr<model::Engine>> EngineHost::GetEmbedder(const std::string& name) {
  const config::EngineConfig* const engine = Find(name);
  if (engine == nullptr) return Fail(Code::kConfigError, StrCat("there is no engine ", name));
  return fleet_->NewEmbedder(*engine, options_.env);
}

Result<void> EngineHost::ApplyProfile(const std::string& profile, model::Call& call) {
  const auto found = options_.config.profiles.find(profile);
  if (found == options_.config.profiles.end()) {
    std::vector<std::string> names;
    names.reserve(options_.config.profiles.size());
    for (const auto& [name, unused] : options_.config.profiles) names.push_back(name);
    const std::optional<std::string> nearest = Nearest(profile, names);
    return Fail(Code::kConfigError, StrCat("there is no profile '", profile, "'",
                                           nearest ? StrCat("; did you mean '", *nearest, "'?")
                                                   : StrCat("; there are ", Join(names, ", "))));
  }
  const engine::CallDefaults defaults{.sampling = found->second.sampling};
  call = defaults.Fill(std::move(call));
  if (found->second.call_timeout && !call.timeouts) {
    const config::EngineConfig* const engine = Find("");
    call.timeouts = engine != nullptr ? engine->http.upstream.timeouts : model::Timeouts();
    call.timeouts->total = *found->second.call_timeout;
  }
  return {};
}

std::string EngineHost::NameOf(const std::string& name) {
  const config::EngineConfig* const engine = Find(name);
  return engine != nullptr ? engine->name : name;
}

bool EngineHost::IsAlive(const std::string& name) {
  const config::EngineConfig* const engine = Find(name);
  return engine == nullptr || servers_ == nullptr || servers_->IsAlive(engine->name);
}

EngineHost::Lifecycle EngineHost::LifecycleOf(const std::string& name) {
  const config::EngineConfig* const engine = Find(name);
  if (engine == nullptr || !managed_.contains(engine->name)) return Lifecycle::kElsewhere;
  return engine->serve->lifecycle == ServeOptions::Lifecycle::kLazy ? Lifecycle::kLazy
                                                                    : Lifecycle::kPersistent;
}

// A call that its engine cannot answer goes on to those behind it.
std::size_t EngineHost::PlacesOf(const std::string& name) {
  const std::string meant = Meant(name);
  const auto role = options_.config.routes.roles.find(meant);
  std::vector<std::string> chain = {meant};
  if (role != options_.config.routes.roles.end()) chain = role->second;
  std::size_t places = 0;
  for (std::size_t at = 0; at < chain.size(); ++at) {
    const config::EngineConfig* const engine = options_.config.Find(chain[at]);
    if (engine == nullptr) return SIZE_MAX;
    places += std::min(engine->limits.max_in_flight, SIZE_MAX - places);
    for (const std::string& next : engine->fallback) {
      if (std::ranges::find(chain, next) == chain.end()) chain.push_back(next);
    }
  }
  return places;
}

Duration EngineHost::TotalOf(const std::string& name) {
  const config::EngineConfig* const engine = Find(name);
  return engine != nullptr ? engine->http.upstream.timeouts.total : model::Timeouts().total;
}

async::Task<std::optional<flow::ServerPrefixes>> EngineHost::PrefixesOf(async::Context ctx,
                                                                        std::string name) {
  const config::EngineConfig* const engine = Find(name);
  // One of several servers behind a balancer would answer, each time another one.
  const bool tells = engine != nullptr && engine->kind == config::Kind::kVllm &&
                     !engine->unusable && engine->replicas.empty();
  if (!tells) co_return std::nullopt;
  const std::unique_ptr<http::Client> transport = BuildTransport(*engine, options_.env);
  const Result<std::unique_ptr<engine::Control>> control =
      engine::Control::Make(HttpOptionsOf(*engine), *transport);
  if (!control) co_return std::nullopt;
  const Result<wire::PrefixStats> stats =
      co_await (*control)->PrefixStats(ctx.WithTimeout(kPrefixesTimeout));
  if (!stats) co_return std::nullopt;
  co_return flow::ServerPrefixes{.looked_up = stats->queries, .found = stats->hits};
}

async::Task<Result<void>> EngineHost::Start(async::Context ctx, const std::string& name) {
  const config::EngineConfig* const engine = Find(name);
  if (engine == nullptr || !managed_.contains(engine->name)) co_return Result<void>();
  const Result<engine::RunningServer> running = co_await Up(ctx, engine->name);
  if (!running) co_return Fail(running.error());
  co_return Result<void>();
}

async::Task<void> EngineHost::Stop(async::Context ctx, const std::string& name) {
  const config::EngineConfig* const engine = Find(name);
  if (engine == nullptr || servers_ == nullptr) co_return;
  co_await servers_->Stop(ctx, engine->name);
}

async::Task<Result<engine::RunningServer>> EngineHost::Up(async::Context ctx, std::string name) {
  const auto found = managed_.find(name);
  if (found == managed_.end()) {
    const config::EngineConfig* const engine = Find(name);
    if (engine != nullptr && engine->unusable) co_return Fail(*engine->unusable);
    co_return Fail(Code::kConfigError, StrCat("engine '", name,
                                              "' has no server that weir could start; give it a "
                                              "`serve:` block and no base_url"));
  }
  co_return co_await servers_->Start(ctx, found->second);
}

}  // namespace weir::client
