#include "weir/client/client_testing.h"

#include <cstdlib>
#include <thread>

#include "weir/base/text.h"

namespace weir::client {
namespace {

Client OrDie(Result<Client> client) {
  if (!client) std::abort();
  return *std::move(client);
}

sim::SimOptions Speaking(std::string_view dialect, std::string_view script) {
  sim::SimOptions options = sim::InstantSim(script);
  options.dialect = *wire::DialectByName(dialect);
  return options;
}

EngineOptions EngineAt(std::string_view dialect, const std::string& url) {
  const std::string kind = dialect == "openai" || dialect == "ollama" ? std::string(dialect) : "";
  return {.kind = kind, .base_url = url, .model = kind.empty() ? "" : "sim-model"};
}

}  // namespace

Client ClientOf(const sim::SimServer& server) {
  return OrDie(Client::Open({.engines = {{.base_url = server.url()}}}));
}

DialectPair::DialectPair(std::string_view dialect, std::string_view script)
    : server(Speaking(dialect, script)),
      client(OrDie(Client::Open({.engines = {EngineAt(dialect, server.url())}}))) {}

void WaitForLoad(sim::SimServer& server, int load) {
  const std::string expected = StrCat("{\"server_load\":", load, "}");
  while (server.Get("/load").body != expected) std::this_thread::yield();
}

}  // namespace weir::client
