#pragma once

// EngineHost: the engines of a configuration together with the servers that weir starts for them.
// Ports are chosen when it is opened, for good; servers are started and stopped by name.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weir/client/wiring.h"
#include "weir/engine/managed/servers.h"
#include "weir/flow/run.h"

namespace weir::client {

struct EngineHostOptions {
  config::Config config;
  config::EngineConfig chosen;  // added to those of `config`, or in the place of its namesake
  std::string route;            // what the name "" means; empty: what the configuration says
  // Names that are going to be asked: "sim" among them is there in every configuration.
  std::vector<std::string> asked;
  Env env;
  engine::ServerRecord::Owner owner = engine::ServerRecord::Owner::kRun;
};

// Whether an engine of the configuration has a server that weir starts; without one nothing here is
// needed, and a Fleet will do.
bool HasManaged(const config::Config& config, const config::EngineConfig& chosen);

// Where such an engine's server is, if one runs now; else its address stays as it is. For commands
// that look and start nothing.
void FindRunning(config::EngineConfig& engine, const Env& env);

class EngineHost final : public flow::EngineHost {
 public:
  // Must not outlive the loop of `ctx`.
  static async::Task<Result<std::unique_ptr<EngineHost>>> Open(async::Context ctx,
                                                               EngineHostOptions options);

  Result<std::shared_ptr<model::Engine>> Get(const std::string& name) override;
  Result<std::shared_ptr<model::Engine>> GetEmbedder(const std::string& name) override;
  Result<void> ApplyProfile(const std::string& profile, model::Call& call) override;
  std::string NameOf(const std::string& name) override;
  bool IsAlive(const std::string& name) override;
  Lifecycle LifecycleOf(const std::string& name) override;
  std::size_t PlacesOf(const std::string& name) override;
  Duration TotalOf(const std::string& name) override;
  // Of kind vllm, with one server.
  async::Task<std::optional<flow::ServerPrefixes>> PrefixesOf(async::Context ctx,
                                                              std::string name) override;
  // Of an engine without a managed server nothing is started, and nothing fails.
  async::Task<Result<void>> Start(async::Context ctx, const std::string& name) override;
  async::Task<void> Stop(async::Context ctx, const std::string& name) override;

  // Starts and tells where it is; the name is an engine's.
  async::Task<Result<engine::RunningServer>> Up(async::Context ctx, std::string name);

  Fleet& fleet() { return *fleet_; }
  // With the addresses that were chosen.
  const config::Config& config() const { return options_.config; }
  // The engine that a name, a role or "" means first; null: there is none.
  const config::EngineConfig* Find(const std::string& name) const;

 private:
  explicit EngineHost(EngineHostOptions options) : options_(std::move(options)) {}
  async::Task<Result<void>> ChoosePorts(async::Context ctx);
  std::string Meant(const std::string& name) const;

  EngineHostOptions options_;
  std::unique_ptr<engine::Servers> servers_;                           // null: nothing is managed
  std::map<std::string, engine::ManagedEngine, std::less<>> managed_;  // by name
  std::optional<Fleet> fleet_;
};

}  // namespace weir::client
