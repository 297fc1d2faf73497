#pragma once

// The registry: engines by name, and which of them a role or a provider's name means. What a file
// names must exist; what a job names while it runs may be anything, and is then the fallback's.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/engine/decorators.h"
#include "weir/model/engine.h"

namespace weir::engine {

struct RouteTable {
  // Role ("default", "fast", "reasoning", ...) -> engines in the order in which they are tried.
  std::map<std::string, std::vector<std::string>, std::less<>> roles;
  // Name of a provider in jobs and agents -> engine. "" is for those that name none, "*" for those
  // that nobody knows.
  std::map<std::string, std::string, std::less<>> providers;
};

// One engine as the registry knows it.
struct RegisteredEngine {
  std::string name;
  std::string kind;
  std::string model;
  int priority = 100;                 // lower is preferred where nothing else decides
  std::vector<std::string> fallback;  // tried after it, in this order
  std::shared_ptr<Breaker> breaker;   // null: always tried
  std::vector<std::string> adapters;  // that it may be asked for in the place of its model
  VerifyOptions verify;
  model::ConfidenceRule confidence;           // of calls that have none of their own
  std::optional<double> default_temperature;  // the engine's, where it sets one
  // Makes the engine, whole but for verify and fallback, when it is first needed. Fails with the
  // reason why it cannot be used.
  std::function<Result<std::shared_ptr<model::Engine>>()> make;
};

// What the name of a provider came to.
struct Resolution {
  std::string engine;
  std::optional<std::string> warning;  // why it is not the one that was named
};

class Registry {
 public:
  // Fails with kConfigError when a route, a fallback or a provider names an engine that is not
  // there (saying the nearest name), two engines have one name, or fallbacks go in a circle.
  static Result<std::unique_ptr<Registry>> Make(std::vector<RegisteredEngine> engines,
                                                RouteTable routes);

  // The engine of a name or of a role, with its fallbacks and verification around it. Empty: the
  // role "default" where the table has it, else the engine with the lowest priority (the first of
  // them in the file). Made once, by any thread; good as long as what its engines were made of.
  Result<std::shared_ptr<model::Engine>> Get(std::string_view name);

  // Never fails: an unknown provider is a warning and the engine of "*" (else of "").
  Resolution ResolveProvider(std::optional<std::string_view> provider) const;

  const std::vector<RegisteredEngine>& engines() const { return engines_; }
  const RegisteredEngine* Find(std::string_view name) const;

 private:
  Registry() = default;

  std::vector<RegisteredEngine> engines_;
  RouteTable routes_;
  Result<std::shared_ptr<model::Engine>> Chain(const std::vector<const RegisteredEngine*>& engines);

  std::mutex mutex_;                                                         // guards what follows
  std::map<std::string, std::shared_ptr<model::Engine>, std::less<>> made_;  // by engine
  std::map<std::string, std::shared_ptr<model::Engine>, std::less<>> chains_;  // by what was asked
};

}  // namespace weir::engine
