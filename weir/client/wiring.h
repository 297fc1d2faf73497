#pragma once

// The one place, with cli, that names concrete classes: which engines there are and in which order
// behaviour is put around them.

#include <memory>
#include <mutex>
#include <vector>

#include "weir/config/config.h"
#include "weir/engine/budget_engine.h"
#include "weir/engine/registry.h"
#include "weir/http/client.h"
#include "weir/model/engine.h"
#include "weir/text/model_card.h"

namespace weir::client {

// The transport of an engine: its TLS settings and the proxies of the environment.
std::unique_ptr<http::Client> BuildTransport(const config::EngineConfig& config, const Env& env);

// The user's own cards of models, of the file that `model_cards` names; empty: none.
Result<std::vector<text::ModelCard>> CardsOf(const std::string& path);

// What its HTTP engine is made with.
engine::HttpEngineOptions HttpOptionsOf(const config::EngineConfig& config);

// What engines of one configuration share; each may be null.
struct Shared {
  std::shared_ptr<engine::Breaker> breaker;      // of one engine: with who else asks it
  std::shared_ptr<async::Semaphore> places;      // of all engines: calls at once
  std::shared_ptr<engine::SharedBudget> budget;  // ... what they may spend
  std::vector<text::ModelCard> cards;            // the user's own
  bool tells_deltas = false;                     // events of the pieces of streams
};

// The engine with its own decorators, outer to inner: defaults, prefix, budget, lora, choose, card,
// retry, limit, record, and the engine itself. `transport` must outlive it.
Result<std::unique_ptr<model::Engine>> BuildEngine(const config::EngineConfig& config,
                                                   http::Client& transport, Shared shared = {});

// Those decorators around `next` that change what is asked: defaults, choose, card.
std::unique_ptr<model::Engine> WithChanges(std::unique_ptr<model::Engine> next,
                                           const config::EngineConfig& config,
                                           std::vector<text::ModelCard> cards);

// All engines of a configuration with the transports under them. Connections are closed with it.
class Fleet {
 public:
  // `chosen` is added to the engines of `config` when it is none of them: an address, the
  // simulator. Of a managed engine without an address the server is looked for at each call, until
  // one runs.
  static Result<Fleet> Build(const config::Config& config, const config::EngineConfig& chosen,
                             const Env& env);

  // With its fallbacks and verification around it. Empty: the default one.
  Result<std::shared_ptr<model::Engine>> Get(std::string_view name) { return registry_->Get(name); }
  // For embeddings, of one of its engines with an address: budget, retry, limit, record, and the
  // server.
  // There is never a fallback: vectors of another model could not be compared.
  Result<std::shared_ptr<model::Engine>> NewEmbedder(const config::EngineConfig& config,
                                                     const Env& env);
  engine::Registry& registry() { return *registry_; }

 private:
  class Transports {
   public:
    http::Client& Add(std::unique_ptr<http::Client> transport);

   private:
    std::mutex mutex_;  // guards all_
    std::vector<std::unique_ptr<http::Client>> all_;
  };

  Fleet() = default;

  std::shared_ptr<Transports> transports_ = std::make_shared<Transports>();
  std::unique_ptr<engine::Registry> registry_;
  Shared shared_;  // of all engines
};

// What an engine fills in where a call leaves it open.
engine::CallDefaults DefaultsOf(const config::EngineConfig& config);

}  // namespace weir::client
