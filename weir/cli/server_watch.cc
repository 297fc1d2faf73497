#include "weir/cli/server_watch.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/client/wiring.h"
#include "weir/config/addresses.h"
#include "weir/engine/server_load.h"

namespace weir::cli {
namespace {

constexpr int kNotFound = 404;

// Files of events come from anywhere; what they name is asked only where it is this host.
bool IsHere(std::string_view address) {
  for (const char* host :
       {"http://127.0.0.1:", "http://localhost:", "http://[::1]:", "127.0.0.1:", "localhost:"}) {
    if (address.starts_with(host)) return true;
  }
  return false;
}

}  // namespace

ServerWatch::ServerWatch(const async::Context& ctx, Options options, events::Activity& activity)
    : options_(options), activity_(activity), scope_(ctx) {}

Result<void> ServerWatch::Ask(const std::string& engine) {
  WEIR_TRY(const config::EngineConfig found,
           config::ResolveEngine(options_.config, engine, options_.env));
  Add(found.name, found);
  return {};
}

void ServerWatch::Look(const events::ActivityState& state) {
  for (const events::EngineActivity& engine : state.engines) {
    const config::EngineConfig* found = options_.config.Find(engine.name);
    if (engine.port > 0) {
      config::EngineConfig started = found != nullptr ? *found : config::EngineConfig();
      started.unusable.reset();
      started.managed = false;
      started.http.upstream.base_url = StrCat("http://127.0.0.1:", engine.port);
      Add(engine.name, started);
    } else if (found != nullptr) {
      if (!found->managed && !found->unusable) Add(engine.name, *found);
    } else if (IsHere(engine.name)) {
      (void)Ask(engine.name);  // one that is no address is not asked
    }
  }
}

void ServerWatch::Add(const std::string& name, const config::EngineConfig& engine) {
  const std::string key = StrCat(name, "\n", engine.http.upstream.base_url);
  if (engine.kind == config::Kind::kSim || servers_.contains(key)) return;
  const engine::HttpEngineOptions options = client::HttpOptionsOf(engine);
  if (!engine::TellsLoad(options.kind)) return;
  auto server =
      std::make_unique<Server>(Server{.engine = name,
                                      .options = options,
                                      .transport = client::BuildTransport(engine, options_.env)});
  Server& added = *server;
  servers_.emplace(key, std::move(server));
  if (begun_) scope_.Spawn(Follow(scope_.context(), *this, added));
}

async::Task<void> ServerWatch::Fetch(async::Context ctx, ServerWatch& watch, Server& server) {
  const async::Context limited = ctx.WithTimeout(watch.options_.timeout);
  const Result<wire::ServerLoad> load =
      co_await engine::FetchServerLoad(limited, server.options, *server.transport);
  if (!load) {
    server.tells = load.error().http_status != kNotFound;
    watch.activity_.SetServer(server.engine, std::nullopt);
    co_return;
  }
  events::ServerFigures figures{
      .running = load->running, .waiting = load->waiting, .kv_use = load->kv_use, .hit_rate = {}};
  if (load->prefix) {
    if (!server.first) server.first = load->prefix;
    figures.hit_rate = wire::Since(*server.first, *load->prefix).hit_rate();
    if (!figures.hit_rate) figures.hit_rate = load->prefix->hit_rate();
  }
  watch.activity_.SetServer(server.engine, figures);
}

async::Task<void> ServerWatch::Follow(async::Context ctx, ServerWatch& watch, Server& server) {
  while (server.tells) {
    co_await Fetch(ctx, watch, server);
    const Result<void> slept = co_await async::Sleep(ctx, watch.options_.every);
    if (!slept) co_return;
  }
}

async::Task<void> ServerWatch::AskOnce(async::Context ctx) {
  for (const auto& [key, server] : servers_) co_await Fetch(ctx, *this, *server);
}

void ServerWatch::Begin() {
  begun_ = true;
  for (const auto& [key, server] : servers_) {
    scope_.Spawn(Follow(scope_.context(), *this, *server));
  }
}

async::Task<void> ServerWatch::End() {
  scope_.Cancel();
  co_await scope_.Join();
}

}  // namespace weir::cli
