#include "weir/engine/registry.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/engine/surety_engine.h"

namespace weir::engine {
namespace {

std::vector<std::string> NamesOf(const std::vector<RegisteredEngine>& engines) {
  std::vector<std::string> names;
  names.reserve(engines.size());
  for (const RegisteredEngine& engine : engines) names.push_back(engine.name);
  return names;
}

Error Unknown(std::string_view where, std::string_view name,
              const std::vector<std::string>& known) {
  const std::optional<std::string> nearest = Nearest(name, known);
  return Error{.code = Code::kConfigError,
               .message = StrCat(where, " names the engine '", name, "', which is not there",
                                 nearest ? StrCat("; did you mean '", *nearest, "'?")
                                         : StrCat("; known: ", Join(known, ", ")))};
}

// Appends `name` and its fallbacks, each once, depth first. An engine that is met again on its own
// way is a circle.
Result<void> Follow(const std::vector<RegisteredEngine>& engines, const std::string& name,
                    std::vector<std::string>& way, std::vector<const RegisteredEngine*>& out) {
  if (std::ranges::find(way, name) != way.end()) {
    return Fail(Code::kConfigError, StrCat("fallbacks go in a circle: ", Join(way, " -> "), " -> ",
                                           name, "; take one of them out"));
  }
  const auto engine = std::ranges::find(engines, name, &RegisteredEngine::name);
  if (engine == engines.end()) return Fail(Unknown("a fallback", name, NamesOf(engines)));
  if (std::ranges::find(out, &*engine) == out.end()) out.push_back(&*engine);
  way.push_back(name);
  for (const std::string& next : engine->fallback) {
    WEIR_CHECK(Follow(engines, next, way, out));
  }
  way.pop_back();
  return {};
}

// Stands for a fallback that cannot be used: the engine before it works all the same.
class UnusableEngine final : public model::Engine {
 public:
  explicit UnusableEngine(Error why) : why_(std::move(why)) {}

  async::Task<Result<model::Reply>> Call(async::Context /*ctx*/,
                                         const model::Call& /*call*/) override {
    co_return Fail(why_);
  }
  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context /*ctx*/, const model::Call& /*call*/) override {
    co_return Fail(why_);
  }
  async::Task<Result<model::EngineInfo>> Describe(async::Context /*ctx*/) override {
    co_return Fail(why_);
  }

 private:
  const Error why_;
};

}  // namespace

Result<std::unique_ptr<Registry>> Registry::Make(std::vector<RegisteredEngine> engines,
                                                 RouteTable routes) {
  if (engines.empty()) return Fail(Code::kConfigError, "there is no engine");
  const std::vector<std::string> names = NamesOf(engines);
  for (auto name = names.begin(); name != names.end(); ++name) {
    if (std::find(names.begin(), name, *name) == name) continue;
    return Fail(Code::kConfigError, StrCat("two engines are called '", *name, "'"));
  }
  for (const RegisteredEngine& engine : engines) {
    std::vector<std::string> way;
    std::vector<const RegisteredEngine*> chain;
    WEIR_CHECK(Follow(engines, engine.name, way, chain));
  }
  for (const auto& [role, list] : routes.roles) {
    for (const std::string& name : list) {
      if (std::ranges::find(names, name) != names.end()) continue;
      return Fail(Unknown(StrCat("the route '", role, "'"), name, names));
    }
  }
  for (const auto& [provider, name] : routes.providers) {
    if (std::ranges::find(names, name) != names.end()) continue;
    return Fail(Unknown(StrCat("the provider '", provider, "'"), name, names));
  }
  std::unique_ptr<Registry> registry(new Registry());
  registry->engines_ = std::move(engines);
  registry->routes_ = std::move(routes);
  return registry;
}

Result<std::shared_ptr<model::Engine>> Registry::Get(std::string_view name) {
  const auto role = routes_.roles.find(name.empty() ? "default" : name);
  std::vector<std::string> order;
  if (Find(name) == nullptr && role != routes_.roles.end()) {
    order = role->second;
  } else if (name.empty()) {
    order.push_back(std::ranges::min_element(engines_, {}, &RegisteredEngine::priority)->name);
  } else {
    order.emplace_back(name);
  }
  std::vector<const RegisteredEngine*> chain;
  for (const std::string& each : order) {
    std::vector<std::string> way;
    if (Find(each) == nullptr) return Fail(Unknown("the call", each, NamesOf(engines_)));
    WEIR_CHECK(Follow(engines_, each, way, chain));
  }
  if (chain.empty()) {
    return Fail(Code::kConfigError, StrCat("the route '", name, "' has no engine"));
  }
  const std::scoped_lock lock(mutex_);
  std::shared_ptr<model::Engine>& whole = chains_[std::string(name)];
  if (whole == nullptr) {
    WEIR_TRY(whole, Chain(chain));
  }
  return whole;
}

// The routes share the engines of the registry.
Result<std::shared_ptr<model::Engine>> Registry::Chain(
    const std::vector<const RegisteredEngine*>& engines) {
  std::vector<Route> routes;
  for (const RegisteredEngine* engine : engines) {
    std::shared_ptr<model::Engine>& made = made_[engine->name];
    if (made == nullptr) {
      Result<std::shared_ptr<model::Engine>> built = engine->make();
      if (!built && routes.empty()) return Fail(std::move(built).error());
      made = built ? *std::move(built) : std::make_shared<UnusableEngine>(built.error());
    }
    routes.push_back({.name = engine->name,
                      .engine = made,
                      .breaker = engine->breaker,
                      .model = engine->model,
                      .names = engine->adapters});
  }
  std::shared_ptr<model::Engine> next = routes.front().engine;
  if (routes.size() > 1) next = NewFallbackEngine(std::move(routes));
  const RegisteredEngine& first = *engines.front();
  next = NewVerifyEngine(std::move(next), first.verify);
  std::unique_ptr<model::Engine> whole =
      NewSuretyEngine(std::move(next), first.default_temperature);
  if (!first.confidence.wanted()) return whole;
  CallDefaults rule;
  rule.confidence = first.confidence;
  return NewDefaultsEngine(std::move(whole), std::move(rule));
}

Resolution Registry::ResolveProvider(std::optional<std::string_view> provider) const {
  const auto engine_of = [&](std::string_view name) -> std::string {
    const auto found = routes_.providers.find(name);
    return found == routes_.providers.end() ? std::string() : found->second;
  };
  const std::string_view asked = provider.value_or("");
  if (std::string known = engine_of(asked); !known.empty()) return {std::move(known), {}};
  if (!asked.empty() && Find(asked) != nullptr) return {std::string(asked), {}};
  const auto of_kind = std::ranges::find(engines_, asked, &RegisteredEngine::kind);
  if (!asked.empty() && of_kind != engines_.end()) return {of_kind->name, {}};

  std::string fallback = engine_of("*");
  if (fallback.empty()) fallback = engine_of("");
  if (fallback.empty()) {
    const auto ollama = std::ranges::find(engines_, "ollama", &RegisteredEngine::kind);
    fallback = ollama == engines_.end() ? engines_.front().name : ollama->name;
  }
  if (asked.empty()) return {std::move(fallback), {}};
  std::string warning = StrCat("there is no provider '", asked, "'; going on with the engine '",
                               fallback, "' (set routes.provider_names to choose another)");
  return {std::move(fallback), std::move(warning)};
}

const RegisteredEngine* Registry::Find(std::string_view name) const {
  const auto found = std::ranges::find(engines_, name, &RegisteredEngine::name);
  return found == engines_.end() ? nullptr : &*found;
}

}  // namespace weir::engine
