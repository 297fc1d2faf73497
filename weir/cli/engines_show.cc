#include "weir/cli/engines_show.h"

#include <algorithm>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using engine::ServeOptions;

std::string_view LifecycleOf(const config::EngineConfig& engine) {
  if (engine.kind == config::Kind::kSim) return "inside";
  if (!engine.managed) return "elsewhere";
  return engine.serve->lifecycle == ServeOptions::Lifecycle::kLazy ? "lazy" : "persistent";
}

// The server of an engine, if one runs.
const ServerRecord* ServerOf(const config::EngineConfig& engine,
                             const std::vector<ServerRecord>& servers) {
  if (!engine.managed) return nullptr;
  const std::string model = engine::ServedModel(*engine.serve, engine.http.model);
  const auto found = std::ranges::find_if(servers, [&](const ServerRecord& server) {
    return server.engine == engine.name && server.model == model;
  });
  return found == servers.end() ? nullptr : &*found;
}

std::string AddressOf(const config::EngineConfig& engine, const ServerRecord* server) {
  if (engine.kind == config::Kind::kSim) return "";
  if (server != nullptr) return PublicAddress(server->port);
  if (engine.managed && !engine::FixedPort(*engine.serve)) return "";
  return Redact(engine.http.upstream.base_url);
}

std::string StateOf(const config::EngineConfig& engine, const ServerRecord* server) {
  if (engine.unusable) return "unusable";
  if (server != nullptr) return "running";
  return engine.managed ? "stopped" : "";
}

std::string Uptime(std::int64_t nanos) {
  const std::int64_t seconds = std::max<std::int64_t>(0, nanos / 1'000'000'000);
  if (seconds < 60) return StrCat(seconds, "s");
  if (seconds < 3600) return StrCat(seconds / 60, "m", seconds % 60, "s");
  if (seconds < 86'400) return StrCat(seconds / 3600, "h", seconds % 3600 / 60, "m");
  return StrCat(seconds / 86'400, "d", seconds % 86'400 / 3600, "h");
}

std::string_view OwnerName(const ServerRecord& server) {
  return server.owner == ServerRecord::Owner::kUser ? "user" : "run";
}

// Columns as wide as their widest cell; the first row is the heading.
std::string Table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const std::vector<std::string>& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      StrAppend(line, row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    StrAppend(text, line, "\n");
  }
  return text;
}

std::string Or(std::string_view text, std::string_view otherwise) {
  return std::string(text.empty() ? otherwise : text);
}

}  // namespace

std::string PublicAddress(std::int64_t port) { return StrCat("http://localhost:", port, "/v1"); }

std::string EnginesText(const config::Config& config, const std::vector<ServerRecord>& servers) {
  std::vector<std::vector<std::string>> rows = {
      {"ENGINE", "KIND", "ADDRESS", "MODEL", "LIFECYCLE", "STATE"}};
  for (const config::EngineConfig& engine : config.engines) {
    const ServerRecord* const server = ServerOf(engine, servers);
    rows.push_back({engine.name, std::string(config::KindName(engine.kind)),
                    Or(AddressOf(engine, server), "-"), Or(engine.http.model, "-"),
                    std::string(LifecycleOf(engine)), Or(StateOf(engine, server), "-")});
  }
  return Table(rows);
}

std::string EnginesJson(const config::Config& config, const std::vector<ServerRecord>& servers) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Key("engines");
  out.BeginArray();
  for (const config::EngineConfig& engine : config.engines) {
    const ServerRecord* const server = ServerOf(engine, servers);
    out.BeginObject();
    out.Field("name", engine.name);
    out.Field("kind", config::KindName(engine.kind));
    out.Field("base_url", AddressOf(engine, server));
    out.Field("model", engine.http.model);
    out.Field("lifecycle", LifecycleOf(engine));
    out.Field("state", StateOf(engine, server));
    if (server != nullptr) {
      out.Key("pid");
      out.Int(server->pid);
      out.Key("port");
      out.Int(server->port);
      out.Field("owner", OwnerName(*server));
    }
    if (engine.unusable) out.Field("problem", engine.unusable->message);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

std::string ServersText(const std::vector<ServerRecord>& servers, std::int64_t now) {
  std::vector<std::vector<std::string>> rows = {
      {"ENGINE", "PID", "PORT", "MODEL", "UPTIME", "OWNER", "LOG"}};
  for (const ServerRecord& server : servers) {
    rows.push_back({server.engine, StrCat(server.pid), StrCat(server.port), Or(server.model, "-"),
                    Uptime(now - server.started), std::string(OwnerName(server)), server.log});
  }
  return Table(rows);
}

std::string ServersJson(const std::vector<ServerRecord>& servers, std::int64_t now) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Key("servers");
  out.BeginArray();
  for (const ServerRecord& server : servers) {
    out.BeginObject();
    out.Field("engine", server.engine);
    out.Field("model", server.model);
    out.Field("base_url", PublicAddress(server.port));
    out.Key("port");
    out.Int(server.port);
    out.Key("pid");
    out.Int(server.pid);
    out.Key("pgid");
    out.Int(server.pid);
    out.Field("started", FormatWallTime(server.started));
    out.Key("uptime_s");
    out.Int(std::max<std::int64_t>(0, (now - server.started) / 1'000'000'000));
    out.Field("owner", OwnerName(server));
    out.Field("log", server.log);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

}  // namespace weir::cli
