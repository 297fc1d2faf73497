#pragma once

// Asks the servers of engines how busy they are, again and again.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "weir/async/scope.h"
#include "weir/base/env.h"
#include "weir/config/config.h"
#include "weir/engine/http_engine.h"
#include "weir/events/activity.h"
#include "weir/http/client.h"

namespace weir::cli {

// Belongs to the loop of its context. Only servers that the user named are asked: those of the
// configuration, of -e, those that weir started, and addresses on this host.
class ServerWatch {
 public:
  struct Options {
    const config::Config& config;
    const Env& env;
    Duration every = std::chrono::seconds(2);
    Duration timeout = std::chrono::seconds(2);  // of one answer
  };

  // `ctx`, what `options` refers to, and `activity`, which is told, outlive it.
  ServerWatch(const async::Context& ctx, Options options, events::Activity& activity);

  // Asks this engine, too: a name of the configuration, or an address. Fails with kConfigError.
  Result<void> Ask(const std::string& engine);
  // Asks the engines that have come up.
  void Look(const events::ActivityState& state);

  // Asks each of them once, now.
  async::Task<void> AskOnce(async::Context ctx);
  // Goes on asking in the background, until End().
  void Begin();
  async::Task<void> End();

 private:
  struct Server {
    std::string engine;
    engine::HttpEngineOptions options;
    std::unique_ptr<http::Client> transport;
    std::optional<wire::PrefixStats> first;  // what its cache had counted at first
    bool tells = true;                       // false: it has no figures
  };

  void Add(const std::string& name, const config::EngineConfig& engine);
  static async::Task<void> Follow(async::Context ctx, ServerWatch& watch, Server& server);
  static async::Task<void> Fetch(async::Context ctx, ServerWatch& watch, Server& server);

  const Options options_;
  events::Activity& activity_;
  async::TaskScope scope_;
  bool begun_ = false;
  std::map<std::string, std::unique_ptr<Server>, std::less<>> servers_;  // by engine and port
};

}  // namespace weir::cli
