#include <algorithm>
#include <memory>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/run_call.h"
#include "weir/cli/work.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"
#include "weir/engine/adapter_check.h"
#include "weir/engine/replicas.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using engine::AdapterFinding;
using engine::AdapterHosts;

struct AdapterFlags {
  CommonFlags common;
  std::string name;
  std::string path;
};

// One engine and the way to its servers.
struct Target {
  ChosenEngine chosen;
  std::unique_ptr<http::Client> transport;
  std::unique_ptr<engine::HostFinder> finder;
};

Result<Target> TargetOf(const AdapterFlags& flags, const Session& session) {
  Target target;
  WEIR_TRY(target.chosen, EngineOf(flags.common, session));
  const config::EngineConfig& config = target.chosen.engine;
  if (config.unusable) return Fail(*config.unusable);
  if (config.kind == config::Kind::kSim) {
    return Fail(Code::kUnsupportedParam,
                "the embedded simulator lives as long as this command and keeps no adapters; start "
                "`weir sim` and give its address");
  }
  target.transport = client::BuildTransport(config, session.env);
  WEIR_TRY(target.finder, engine::NewResolvedHosts(client::HttpOptionsOf(config), config.replicas,
                                                   *target.transport));
  return target;
}

engine::AdapterShelfOptions WantedOf(const config::EngineConfig& config) {
  engine::AdapterShelfOptions options{.engine = config.name, .adapters = {}};
  for (const config::AdapterConfig& adapter : config.adapters) {
    options.adapters.push_back({.name = adapter.name, .path = adapter.path});
  }
  return options;
}

int Fall(Session& session, const AdapterFlags& flags, const Target& target, const Error& error) {
  return Refuse(session, flags.common,
                client::WithProxyAdvice(error, target.chosen.engine, session.env));
}

// Each adapter once, with the servers that have it.
struct Listed {
  model::ModelEntry entry;
  std::vector<std::string> on;  // addresses
};

// The servers that do not have it.
std::vector<std::string> Without(const Listed& listed, const std::vector<std::string>& servers) {
  std::vector<std::string> without;
  for (const std::string& server : servers) {
    if (std::ranges::find(listed.on, server) == listed.on.end()) without.push_back(server);
  }
  return without;
}

async::Task<Result<std::vector<Listed>>> ListAll(async::Context ctx, engine::HostFinder& finder,
                                                 std::vector<std::string>& servers) {
  WEIR_CO_TRY(const AdapterHosts hosts, co_await finder.Find(ctx));
  std::vector<Listed> all;
  for (const std::shared_ptr<engine::AdapterHost>& host : hosts) {
    servers.push_back(host->address());
    WEIR_CO_TRY(const std::vector<model::ModelEntry> models, co_await host->Models(ctx));
    for (const model::ModelEntry& entry : models) {
      if (entry.parent.empty()) continue;
      const auto known = std::ranges::find_if(
          all, [&](const Listed& listed) { return listed.entry.id == entry.id; });
      Listed& listed = known == all.end() ? all.emplace_back(Listed{.entry = entry}) : *known;
      listed.on.push_back(host->address());
    }
  }
  co_return all;
}

std::string ListText(const std::vector<Listed>& all, const std::vector<std::string>& servers) {
  std::size_t width = 0;
  for (const Listed& listed : all) width = std::max(width, listed.entry.id.size());
  std::string text;
  for (const Listed& listed : all) {
    const model::ModelEntry& entry = listed.entry;
    StrAppend(text, entry.id, std::string(width - entry.id.size(), ' '), "  adapter of ",
              entry.parent);
    if (!entry.root.empty()) StrAppend(text, ", from ", entry.root);
    if (servers.size() > 1) {
      StrAppend(text, ", on ", listed.on.size(), " of ", servers.size(), " servers");
    }
    const std::vector<std::string> without = Without(listed, servers);
    if (!without.empty()) StrAppend(text, ", not on ", Join(without, ", "));
    text += '\n';
  }
  return text;
}

std::string ListJson(const std::string& name, const std::vector<Listed>& all,
                     const std::vector<std::string>& servers) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("engine", name);
  out.Key("servers");
  out.Uint(servers.size());
  out.Key("adapters");
  out.BeginArray();
  for (const Listed& listed : all) {
    out.BeginObject();
    out.Field("name", listed.entry.id);
    out.Field("parent", listed.entry.parent);
    if (!listed.entry.root.empty()) out.Field("path", listed.entry.root);
    out.Key("servers");
    out.Uint(listed.on.size());
    const std::vector<std::string> without = Without(listed, servers);
    if (!without.empty()) {
      out.Key("not_on");
      out.BeginArray();
      for (const std::string& server : without) out.String(server);
      out.EndArray();
    }
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

int RunList(Session& session, const AdapterFlags& flags) {
  async::Loop loop;  // outlives the connections
  const Result<Target> target = TargetOf(flags, session);
  if (!target) return Refuse(session, flags.common, target.error());
  Work work(loop, session.terminal);
  const config::EngineConfig& config = target->chosen.engine;
  std::vector<std::string> servers;
  const Result<std::vector<Listed>> all = loop.Run(
      ListAll(work.NewContext(config.http.upstream.timeouts.total), *target->finder, servers));
  if (!all) return Fall(session, flags, *target, all.error());
  if (flags.common.form() == Output::kJson) {
    session.terminal.Out(ListJson(config.name, *all, servers));
  } else if (all->empty()) {
    session.terminal.Note(StrCat("the engine ", config.name, " has no adapter loaded"));
  } else {
    session.terminal.Out(ListText(*all, servers));
  }
  return kExitOk;
}

// Of several servers the one that it was is said.
Error AtHost(Error error, const AdapterHosts& hosts, const engine::AdapterHost& host) {
  if (hosts.size() > 1) error.message = StrCat(host.address(), ": ", error.message);
  return error;
}

// What was noted on the way, such as that it was there already.
async::Task<Result<std::vector<std::string>>> LoadAll(async::Context ctx,
                                                      engine::HostFinder& finder, std::string name,
                                                      std::string path) {
  WEIR_CO_TRY(const AdapterHosts hosts, co_await finder.Find(ctx));
  std::vector<std::string> notes;
  for (const std::shared_ptr<engine::AdapterHost>& host : hosts) {
    const Result<engine::AdapterLoad> load = co_await host->LoadAdapter(ctx, name, path);
    if (!load) co_return Fail(AtHost(load.error(), hosts, *host));
    if (!load->note.empty()) notes.push_back(StrCat(host->address(), ": ", load->note));
  }
  if (hosts.size() > 1) notes.push_back(StrCat("on ", hosts.size(), " servers"));
  co_return notes;
}

async::Task<Result<std::vector<std::string>>> UnloadAll(async::Context ctx,
                                                        engine::HostFinder& finder,
                                                        std::string name) {
  constexpr int kNotFound = 404;
  WEIR_CO_TRY(const AdapterHosts hosts, co_await finder.Find(ctx));
  std::vector<std::string> notes;
  std::optional<Error> failure;
  for (const std::shared_ptr<engine::AdapterHost>& host : hosts) {
    const Result<void> unloaded = co_await host->UnloadAdapter(ctx, name);
    if (unloaded) continue;
    if (unloaded.error().http_status != kNotFound) {
      co_return Fail(AtHost(unloaded.error(), hosts, *host));
    }
    notes.push_back(StrCat(host->address(), " did not have it"));
    failure = unloaded.error();
  }
  if (failure && notes.size() == hosts.size()) co_return Fail(*failure);
  co_return notes;
}

std::string ChangeJson(const Target& target, const AdapterFlags& flags, bool loaded) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("engine", target.chosen.engine.name);
  out.Field("adapter", flags.name);
  out.Key("loaded");
  out.Bool(loaded);
  out.EndObject();
  return text + "\n";
}

int TellChange(Session& session, const AdapterFlags& flags, const Target& target,
               const Result<std::vector<std::string>>& notes, bool loaded) {
  if (!notes) return Fall(session, flags, target, notes.error());
  for (const std::string& note : *notes) session.terminal.Note(note);
  session.terminal.Out(
      flags.common.form() == Output::kJson
          ? ChangeJson(target, flags, loaded)
          : StrCat("Adapter ", flags.name, loaded ? " loaded.\n" : " unloaded.\n"));
  return kExitOk;
}

int RunLoad(Session& session, const AdapterFlags& flags) {
  async::Loop loop;  // outlives the connections
  const Result<Target> target = TargetOf(flags, session);
  if (!target) return Refuse(session, flags.common, target.error());
  const config::EngineConfig& config = target->chosen.engine;
  std::string path = flags.path;
  const auto known = std::ranges::find(config.adapters, flags.name, &config::AdapterConfig::name);
  if (path.empty() && known != config.adapters.end()) path = known->path;
  if (path.empty()) {
    return Refuse(session, flags.common,
                  {.code = Code::kConfigError,
                   .message = StrCat("where the adapter '", flags.name,
                                     "' is was not said: give its path on the server, or set "
                                     "`adapters: {",
                                     flags.name, ": PATH}` of the engine ", config.name)});
  }
  Work work(loop, session.terminal);
  const Result<std::vector<std::string>> notes =
      loop.Run(LoadAll(work.NewContext(config.http.upstream.timeouts.total), *target->finder,
                       flags.name, std::move(path)));
  return TellChange(session, flags, *target, notes, true);
}

int RunUnload(Session& session, const AdapterFlags& flags) {
  async::Loop loop;  // outlives the connections
  const Result<Target> target = TargetOf(flags, session);
  if (!target) return Refuse(session, flags.common, target.error());
  Work work(loop, session.terminal);
  const Result<std::vector<std::string>> notes =
      loop.Run(UnloadAll(work.NewContext(target->chosen.engine.http.upstream.timeouts.total),
                         *target->finder, flags.name));
  return TellChange(session, flags, *target, notes, false);
}

// The adapters that one engine wants, as its servers have them.
struct Checked {
  std::string engine;
  std::string line_head;  // what each of its lines of text begins with
  std::vector<AdapterFinding> findings;
  std::optional<Error> error;  // then there are no findings

  int exit_code() const {
    if (error) return ExitCode(*error);
    const bool missing = std::ranges::any_of(findings, [](const AdapterFinding& finding) {
      return finding.state == AdapterFinding::State::kMissing;
    });
    return missing ? kExitFailed : kExitOk;
  }
};

void WriteChecked(json::Writer& out, const Checked& checked) {
  out.BeginObject();
  out.Field("engine", checked.engine);
  if (checked.error) {
    out.Key("error");
    out.BeginObject();
    out.Field("code", Name(*checked.error));
    out.Field("message", checked.error->message);
    out.EndObject();
  }
  out.Key("adapters");
  out.BeginArray();
  for (const AdapterFinding& finding : checked.findings) {
    out.BeginObject();
    out.Field("name", finding.name);
    out.Field("state", engine::AdapterStateName(finding.state));
    if (!finding.path.empty()) out.Field("path", finding.path);
    if (!finding.detail.empty()) out.Field("detail", finding.detail);
    if (!finding.remedy.empty()) out.Field("remedy", finding.remedy);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

std::string CheckText(const Checked& checked) {
  std::string text;
  for (const AdapterFinding& finding : checked.findings) {
    StrAppend(text, checked.line_head, finding.name, ": ", engine::AdapterStateName(finding.state));
    if (!finding.detail.empty()) StrAppend(text, " ", finding.detail);
    if (!finding.path.empty()) StrAppend(text, ", from ", finding.path);
    if (!finding.remedy.empty()) StrAppend(text, "\n    ", finding.remedy);
    text += '\n';
  }
  return text;
}

Result<std::vector<AdapterFinding>> FindingsOf(Session& session, const AdapterFlags& flags) {
  async::Loop loop;  // outlives the connections
  WEIR_TRY(const Target target, TargetOf(flags, session));
  Work work(loop, session.terminal);
  const config::EngineConfig& config = target.chosen.engine;
  Result<std::vector<AdapterFinding>> findings = loop.Run(engine::CheckAdapters(
      work.NewContext(config.http.upstream.timeouts.total), *target.finder, WantedOf(config)));
  if (findings) return findings;
  return Fail(client::WithProxyAdvice(findings.error(), config, session.env));
}

Checked CheckOne(Session& session, AdapterFlags flags, const std::string& engine) {
  flags.common.engine = engine;
  Checked checked{.engine = engine, .line_head = {}, .findings = {}, .error = {}};
  Result<std::vector<AdapterFinding>> findings = FindingsOf(session, flags);
  if (findings) {
    checked.findings = *std::move(findings);
  } else {
    checked.error = findings.error();
  }
  return checked;
}

// All engines of the configuration that want adapters, one after another.
int CheckAll(Session& session, const AdapterFlags& flags, const config::Config& config) {
  std::vector<Checked> all;
  for (const config::EngineConfig& engine : config.engines) {
    if (engine.adapters.empty()) continue;
    all.push_back(CheckOne(session, flags, engine.name));
  }
  int worst = kExitOk;
  std::string json;
  json::Writer out(json);
  out.BeginObject();
  out.Key("engines");
  out.BeginArray();
  const bool as_json = flags.common.form() == Output::kJson;
  for (Checked& checked : all) {
    worst = std::max(worst, checked.exit_code());
    WriteChecked(out, checked);
    if (checked.error) {
      checked.error->message = StrCat(checked.engine, ": ", checked.error->message);
      session.terminal.Problem(*checked.error);
    } else if (!as_json) {
      checked.line_head = checked.engine + " ";
      session.terminal.Out(CheckText(checked));
    }
  }
  out.EndArray();
  out.EndObject();
  if (as_json) {
    session.terminal.Out(json + "\n");
  } else if (all.empty()) {
    session.terminal.Note("no engine of the configuration wants adapters");
  }
  return worst;
}

int RunCheck(Session& session, const AdapterFlags& flags) {
  const Result<ChosenEngine> chosen = EngineOf(flags.common, session);
  if (!chosen) return Refuse(session, flags.common, chosen.error());
  if (flags.common.engine.empty()) return CheckAll(session, flags, chosen->config);
  Checked checked{.engine = chosen->engine.name, .line_head = {}, .findings = {}, .error = {}};
  Result<std::vector<AdapterFinding>> findings = FindingsOf(session, flags);
  if (!findings) return Refuse(session, flags.common, findings.error());
  checked.findings = *std::move(findings);
  if (flags.common.form() == Output::kJson) {
    std::string text;
    json::Writer out(text);
    WriteChecked(out, checked);
    session.terminal.Out(text + "\n");
  } else if (checked.findings.empty()) {
    session.terminal.Note(StrCat("the engine ", checked.engine, " wants no adapters"));
  } else {
    session.terminal.Out(CheckText(checked));
  }
  return checked.exit_code();
}

// A subcommand with the flags that all have.
CLI::App& AddVerb(CLI::App& parent, Session& session, const std::shared_ptr<AdapterFlags>& flags,
                  const char* verb, const char* help, int (*run)(Session&, const AdapterFlags&)) {
  CLI::App& command = AddCommand(parent, verb, help);
  TextFlag(command, "engine,-e,--engine", flags->common.engine,
           "name from weir.yaml, or an address");
  LooseNumberFlag(command, "--timeout", flags->common.timeout, "seconds for all of it");
  TextFlag(command, "-o,--output", flags->common.output, "text or json").OneOf({"text", "json"});
  SetRun(command, session, [flags, run, &session] { return run(session, *flags); });
  return command;
}

}  // namespace

void AddAdaptersCommand(CLI::App& app, Session& session) {
  CLI::App& adapters = AddCommand(app, "adapters", "See, load and unload LoRA adapters");
  RequireCommand(adapters);
  const auto flags = [] { return std::make_shared<AdapterFlags>(); };  // each verb has its own
  AddVerb(adapters, session, flags(), "list", "List the adapters that an engine has", RunList);
  auto its = flags();
  CLI::App& load = AddVerb(adapters, session, its, "load", "Load an adapter", RunLoad);
  TextFlag(load, "name", its->name, "what calls will ask for").Required();
  TextFlag(load, "path", its->path, "on the server; default: that of the configuration");
  its = flags();
  CLI::App& unload = AddVerb(adapters, session, its, "unload", "Unload an adapter", RunUnload);
  TextFlag(unload, "name", its->name, "the adapter").Required();
  AddVerb(adapters, session, flags(), "check",
          "Hold the adapters of the configuration against the server", RunCheck);
}

}  // namespace weir::cli
