#include "weir/cli/jobs_engines.h"

#include <algorithm>
#include <utility>

#include "weir/async/off_loop.h"
#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/flow/prepare.h"
#include "weir/json/reader.h"
#include "weir/json/yaml.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

using async::Context;
using async::Task;

constexpr Duration kHealthTime = std::chrono::seconds(10);
constexpr std::string_view kKeys[] = {"engine", "provider", "model_provider",
                                      "model",  "variant",  "variant_id"};

bool IsKey(std::string_view name) { return std::ranges::find(kKeys, name) != std::end(kKeys); }

Result<OverlayChoice> ChoiceOf(json::View from, const json::YamlDocument& document,
                               const std::string& pointer) {
  OverlayChoice choice;
  const auto place = [&](std::string_view key) {
    return json::FormatMark(document.file_name, document.KeyMarkOf(StrCat(pointer, "/", key)));
  };
  for (const auto& [key, value] : from.members()) {
    if (!IsKey(key)) {
      const std::vector<std::string> known(std::begin(kKeys), std::end(kKeys));
      const std::optional<std::string> nearest = Nearest(key, known);
      return Fail(Code::kConfigError,
                  StrCat(place(key), ": an agent has no key '", key, "'",
                         nearest ? StrCat("; did you mean '", *nearest, "'?")
                                 : std::string("; there are engine, provider, model, variant")));
    }
    if (!value.IsString() && !value.IsNull()) {
      return Fail(Code::kConfigError, StrCat(place(key), ": ", key, " must be a text"));
    }
    std::string& into = key == "engine"                           ? choice.engine
                        : key == "model"                          ? choice.model
                        : key == "variant" || key == "variant_id" ? choice.variant
                                                                  : choice.provider;
    into = std::string(value.StringOr(""));
  }
  if (!choice.engine.empty() && !choice.provider.empty()) {
    return Fail(Code::kConfigError,
                StrCat(place("engine"), ": both an engine (", choice.engine, ") and a provider (",
                       choice.provider, ") are named; an engine has its provider, leave one away"));
  }
  return choice;
}

void FillIn(std::string& into, const std::string& from) {
  if (into.empty()) into = from;
}

const config::EngineConfig* OllamaOf(const config::Config& config) {
  const auto found =
      std::ranges::find(config.engines, config::Kind::kOllama, &config::EngineConfig::kind);
  return found == config.engines.end() ? nullptr : &*found;
}

// A simulator serves the model that it is told to.
void TakeModel(config::EngineConfig& engine, const std::string& model) {
  if (model.empty()) return;
  engine.http.model = model;
  if (engine.kind == config::Kind::kSim && !engine.sim.models.empty()) {
    engine.sim.models.front().served_names = {model};
  }
}

}  // namespace

Result<OverlayChoice> ReadOverlay(std::string_view text, std::string_view file_name,
                                  std::string_view agent) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  const json::View root = document.value;
  if (root.IsNull()) return OverlayChoice();
  if (!root.IsObject()) {
    return Fail(Code::kConfigError,
                StrCat(file_name, ": an overlay has agents, e.g. extract: {engine: qwen}"));
  }
  bool for_all = false;
  for (const auto& [name, value] : root.members()) for_all |= !value.IsObject();
  if (for_all) return ChoiceOf(root, document, "");
  const json::View own = root.Find(agent);
  if (!own.IsObject()) return OverlayChoice();
  return ChoiceOf(own, document, StrCat("/", agent));
}

Result<engine::Resolution> EngineOfProvider(const config::Config& config,
                                            const std::string& provider, const Env& env) {
  WEIR_TRY(const config::EngineConfig chosen, config::ResolveEngine(config, "", env));
  WEIR_TRY(client::Fleet fleet, client::Fleet::Build(config, chosen, env));
  return fleet.registry().ResolveProvider(provider);
}

Result<std::unique_ptr<AgentEngines>> AgentEngines::Open(AgentEnginesOptions options,
                                                         const flow::Graph& graph,
                                                         jobs::JobStore& store) {
  WEIR_TRY(config::ConfigWatcher watcher,
           config::ConfigWatcher::Start(options.config_file, options.env));
  // Not make_unique: the constructor is private.
  return std::unique_ptr<AgentEngines>(
      new AgentEngines(std::move(options), graph, store, std::move(watcher)));
}

Task<Result<OverlayChoice>> AgentEngines::Choose(Context ctx) {
  OverlayChoice choice{.engine = options_.engine, .model = options_.model};
  if (!options_.overlay.empty()) {
    std::optional<std::string> text;
    WEIR_CO_TRY(text, store::ReadFile(options_.overlay, limits::kConfigFileBytes));
    if (!text) {
      co_return Fail(Code::kConfigError, StrCat("there is no overlay file ", options_.overlay,
                                                "; make it, or leave --overlay away"));
    }
    OverlayChoice overlay;
    WEIR_CO_TRY(overlay, ReadOverlay(*text, options_.overlay, options_.agent));
    // An engine that is named wins over a provider of a later place.
    if (choice.engine.empty()) choice.provider = overlay.provider;
    FillIn(choice.engine, overlay.engine);
    FillIn(choice.model, overlay.model);
    FillIn(choice.variant, overlay.variant);
  }
  const auto look = [this] { return store_.ActiveVariant(options_.agent); };
  const Result<std::optional<jobs::Variant>> variant = co_await async::OffLoop(ctx, look);
  if (!variant) co_return std::unexpected<Error>(variant.error());
  if (!*variant) co_return choice;
  const std::string place = StrCat("variant ", (*variant)->variant, " of ", options_.agent);
  OverlayChoice stored;
  WEIR_CO_TRY(stored, ReadOverlay((*variant)->config, place, options_.agent));
  if (choice.engine.empty() && choice.provider.empty()) {
    choice.engine = stored.engine;
    choice.provider = stored.provider;
  }
  FillIn(choice.model, stored.model);
  FillIn(choice.variant, (*variant)->variant);
  co_return choice;
}

// The name of the engine that stands in for all of the flow; empty: none does.
Result<std::string> AgentEngines::EngineOf(const OverlayChoice& choice, Context ctx) const {
  const config::Config& config = *watcher_.current();
  const auto named = config.routes.roles.find(choice.engine);
  if (named != config.routes.roles.end() && !named->second.empty()) return named->second.front();
  if (!choice.engine.empty()) return choice.engine;
  if (choice.provider.empty()) {
    // A model alone is another one of the engine that the flow asks.
    if (choice.model.empty()) return std::string();
    const std::vector<std::string> asked = flow::EnginesOf(graph_);
    const std::string first = asked.empty() ? std::string() : asked.front();
    const auto role = config.routes.roles.find(first.empty() ? "default" : first);
    const bool routed = role != config.routes.roles.end() && !role->second.empty();
    if (routed) return role->second.front();
    return first.empty() ? config.default_engine : first;
  }
  WEIR_TRY(const engine::Resolution found, EngineOfProvider(config, choice.provider, options_.env));
  if (found.warning) {
    ctx.Emit("engine.warning", {{"engine", std::string_view(found.engine)},
                                {"message", std::string_view(*found.warning)}});
  }
  return found.engine;
}

Task<Result<model::EngineInfo>> AgentEngines::Look(Context ctx, flow::EngineHost& host,
                                                   std::string engine) const {
  std::shared_ptr<model::Engine> asked;
  WEIR_CO_TRY(asked, host.Get(engine));
  const Context limited = ctx.WithTimeout(kHealthTime);
  co_return co_await asked->Describe(limited);
}

Task<Result<jobs::Resolved>> AgentEngines::Make(Context ctx, std::string engine,
                                                OverlayChoice choice) {
  const std::shared_ptr<const config::Config> config = watcher_.current();
  config::EngineConfig chosen;
  std::string asked = engine;
  if (asked.empty()) asked = graph_.flow().engine;
  if (config->routes.roles.contains(asked)) asked.clear();
  WEIR_CO_TRY(chosen, config::ResolveEngine(*config, asked, options_.env));
  TakeModel(chosen, choice.model);
  client::EngineHostOptions options{
      .config = *config, .chosen = chosen, .asked = flow::EnginesOf(graph_), .env = options_.env};
  Result<std::unique_ptr<client::EngineHost>> opened =
      co_await client::EngineHost::Open(ctx, std::move(options));
  if (!opened) co_return std::unexpected<Error>(opened.error());
  const std::shared_ptr<client::EngineHost> host = *std::move(opened);
  jobs::Resolved resolved;
  resolved.assignment = {.engine = engine.empty() ? engine : chosen.name,
                         .provider = std::string(config::KindName(chosen.kind)),
                         .model = chosen.http.model,
                         .variant = choice.variant};
  resolved.engines = host;
  resolved.provider_of = [host](std::string_view name) {
    const config::EngineConfig* const its = host->Find(std::string(name));
    return its == nullptr ? std::string() : std::string(config::KindName(its->kind));
  };
  co_return resolved;
}

std::string AgentEngines::NameOf(const jobs::Resolved& resolved) const {
  const std::string& engine = resolved.assignment.engine;
  return resolved.engines->NameOf(engine.empty() ? graph_.flow().engine : engine);
}

Task<void> AgentEngines::NameModel(Context ctx, jobs::Resolved& resolved) const {
  const Result<model::EngineInfo> seen = co_await Look(ctx, *resolved.engines, NameOf(resolved));
  if (seen) resolved.assignment.model = flow::ServedBy(*seen);
}

Task<Result<jobs::Resolved>> AgentEngines::Resolve(Context ctx) {
  if (std::exchange(read_again_, false)) {
    WEIR_CO_CHECK(watcher_.Reload());
  } else {
    WEIR_CO_CHECK(watcher_.Poll());
  }
  OverlayChoice choice;
  WEIR_CO_TRY(choice, co_await Choose(ctx));
  const std::shared_ptr<const config::Config> config = watcher_.current();
  const bool same = made_ && made_under_ == config && made_for_ == choice;
  if (same && !gave_way_) {
    if (made_->assignment.model.empty()) co_await NameModel(ctx, *made_);
    co_return *made_;
  }
  std::string engine;
  WEIR_CO_TRY(engine, EngineOf(choice, ctx));
  jobs::Resolved resolved;
  WEIR_CO_TRY(resolved, co_await Make(ctx, engine, choice));
  const config::EngineConfig* const ollama = OllamaOf(*config);
  const bool watched = resolved.assignment.provider == "vllm" && ollama != nullptr;
  const bool names_no_model = resolved.assignment.model.empty();
  bool gives_way = false;
  std::string name;
  if (watched || names_no_model) {
    name = NameOf(resolved);
    const Result<model::EngineInfo> seen = co_await Look(ctx, *resolved.engines, name);
    if (seen && names_no_model) resolved.assignment.model = flow::ServedBy(*seen);
    gives_way = watched && !seen;
    if (gives_way && !gave_way_) {
      const std::string message = StrCat("no answer from ", name, "; jobs of ", options_.agent,
                                         " go on with ", ollama->name);
      ctx.Emit("health.fail",
               {{"engine", std::string_view(name)}, {"message", std::string_view(message)}});
      ctx.Emit("engine.warning",
               {{"engine", std::string_view(name)}, {"message", std::string_view(message)}});
    } else if (watched && seen) {
      ctx.Emit("health.ok", {{"engine", std::string_view(name)}});
    }
  }
  if (gives_way && gave_way_ && same) co_return *made_;
  if (gives_way) {
    // The other engine has models of its own.
    OverlayChoice other = choice;
    other.model.clear();
    WEIR_CO_TRY(resolved, co_await Make(ctx, ollama->name, other));
    resolved.stands_in_for = name;
  }
  gave_way_ = gives_way;
  made_under_ = config;
  made_for_ = choice;
  made_ = resolved;
  co_return resolved;
}

}  // namespace weir::cli
