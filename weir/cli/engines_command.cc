#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/engines_show.h"
#include "weir/cli/engines_start.h"
#include "weir/cli/flags.h"
#include "weir/cli/flow_files.h"
#include "weir/cli/print.h"
#include "weir/cli/work.h"
#include "weir/engine/managed/servers.h"
#include "weir/engine/managed/start_failure.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr Duration kFollowEvery = std::chrono::milliseconds(200);

struct EnginesFlags {
  std::vector<std::string> names;
  bool all = false;
  std::string kind;
  std::optional<std::uint64_t> lines;
  bool follow = false;
  std::string output = "text";

  bool json() const { return output == "json"; }
};

int Refuse(Session& session, const EnginesFlags& flags, const Error& error) {
  if (flags.json()) session.terminal.Out(ErrorJson(error));
  return Refuse(session, error);
}

Error NoEngine(const std::string& name, const config::Config& config) {
  std::vector<std::string> names;
  names.reserve(config.engines.size());
  for (const config::EngineConfig& engine : config.engines) names.push_back(engine.name);
  const std::optional<std::string> nearest = Nearest(name, names);
  return Error{.code = Code::kConfigError,
               .message = StrCat("there is no engine '", name, "'",
                                 nearest         ? StrCat("; did you mean '", *nearest, "'?")
                                 : names.empty() ? "; the configuration has none"
                                                 : StrCat("; there are ", Join(names, ", ")))};
}

int List(Session& session, const EnginesFlags& flags) {
  const Result<config::Config> config = config::Load(session.config_file, session.env);
  if (!config) return Refuse(session, flags, config.error());
  // Without a place for its state, weir has started nothing.
  const Result<engine::ServerFolder> folder = engine::ServerFolder::Open(session.env);
  const std::vector<ServerRecord> servers = folder ? folder->List() : std::vector<ServerRecord>();
  session.terminal.Out(flags.json() ? EnginesJson(*config, servers)
                                    : EnginesText(*config, servers));
  return kExitOk;
}

int Ps(Session& session, const EnginesFlags& flags) {
  const Result<engine::ServerFolder> folder = engine::ServerFolder::Open(session.env);
  if (!folder) return Refuse(session, flags, folder.error());
  const std::vector<ServerRecord> servers = folder->List();
  const std::int64_t now = SystemClock().WallNanos();
  if (!flags.json() && servers.empty()) {
    session.terminal.Note("no server of weir's runs");
    return kExitOk;
  }
  session.terminal.Out(flags.json() ? ServersJson(servers, now) : ServersText(servers, now));
  return kExitOk;
}

int Up(Session& session, const EnginesFlags& flags) {
  Result<config::Config> config = config::Load(session.config_file, session.env);
  if (!config) return Refuse(session, flags, config.error());
  for (const std::string& name : flags.names) {
    const config::EngineConfig* const engine = config->Find(name);
    if (engine == nullptr) return Refuse(session, flags, NoEngine(name, *config));
    if (engine->managed) continue;
    return Refuse(session, flags,
                  Error{.code = Code::kConfigError,
                        .message = StrCat("engine '", name,
                                          "' has no server that weir could start; "
                                          "give it a `serve:` block and no base_url")});
  }
  return StartEngines(session,
                      {.config = *std::move(config), .engines = flags.names, .json = flags.json()});
}

int Down(Session& session, const EnginesFlags& flags) {
  const Result<config::Config> config = config::Load(session.config_file, session.env);
  const Result<std::unique_ptr<engine::Servers>> servers =
      engine::Servers::Open({.env = session.env});
  if (!servers) return Refuse(session, flags, servers.error());
  std::vector<ServerRecord> ending;
  for (const ServerRecord& record : (*servers)->folder().List()) {
    const bool named = std::ranges::find(flags.names, record.engine) != flags.names.end();
    if (flags.all || named) ending.push_back(record);
  }
  for (const std::string& name : flags.names) {
    if (std::ranges::find(ending, name, &ServerRecord::engine) != ending.end()) continue;
    if (config && config->Find(name) == nullptr) {
      return Refuse(session, flags, NoEngine(name, *config));
    }
    session.terminal.Note(StrCat("no server of engine ", name, " runs"));
  }
  async::Loop loop;
  Work work(loop, session.terminal);
  int code = kExitOk;
  for (const ServerRecord& record : ending) {
    if (loop.Run((*servers)->End(work.NewContext({}), record))) continue;
    code = kExitUnavailable;
  }
  if (flags.json()) session.terminal.Out(ServersJson(ending, SystemClock().WallNanos()));
  return code;
}

bool IsFlow(const std::string& name) {
  std::error_code error;
  return name.contains('/') || name.contains('#') || name.ends_with(".yaml") ||
         name.ends_with(".yml") || std::filesystem::exists(name, error);
}

bool KindFits(const config::EngineConfig& engine, std::string_view kind) {
  if (kind.ends_with("_api")) kind.remove_suffix(4);
  return config::KindName(engine.kind) == kind;
}

// The engines that are meant, and the configuration that they are in.
Result<StartJob> WarmupJob(const EnginesFlags& flags, const Session& session) {
  StartJob job{.config = {}, .engines = {}, .json = flags.json()};
  job.with_names = true;
  job.lenient = true;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(job.engines, name) == job.engines.end()) job.engines.push_back(name);
  };
  if (flags.names.size() == 1 && IsFlow(flags.names.front())) {
    WEIR_TRY(LoadedFlow loaded, LoadFlow(flags.names.front(), session));
    job.config = std::move(loaded.config);
    for (const std::string& named : flow::EnginesOf(loaded.graph)) {
      const auto route = job.config.routes.roles.find(named);
      const std::string name =
          !named.empty() && route != job.config.routes.roles.end() && !route->second.empty()
              ? route->second.front()
          : named.empty() ? job.config.default_engine
                          : named;
      WEIR_TRY(const config::EngineConfig engine,
               config::ResolveEngine(job.config, name, session.env));
      if (job.config.Find(engine.name) == nullptr) job.config.engines.push_back(engine);
      add(engine.name);
    }
    return job;
  }
  WEIR_TRY(job.config, config::Load(session.config_file, session.env));
  for (const std::string& name : flags.names) {
    if (job.config.Find(name) == nullptr) return Fail(NoEngine(name, job.config));
    add(name);
  }
  if (!flags.names.empty()) return job;
  for (const config::EngineConfig& engine : job.config.engines) {
    if (!engine.managed || (!flags.kind.empty() && !KindFits(engine, flags.kind))) continue;
    const bool persistent = engine.serve->lifecycle == engine::ServeOptions::Lifecycle::kPersistent;
    if (persistent || !flags.kind.empty()) add(engine.name);
  }
  return job;
}

int Warmup(Session& session, const EnginesFlags& flags) {
  Result<StartJob> job = WarmupJob(flags, session);
  if (!job) return Refuse(session, flags, job.error());
  if (!job->engines.empty()) return StartEngines(session, *std::move(job));
  session.terminal.Note(
      "there is no engine to warm up: none has a `serve:` block that fits; name one, or set "
      "lifecycle: persistent");
  if (flags.json()) session.terminal.Out("{\"engines\":[]}\n");
  return kExitOk;
}

// What is written from now on, until Ctrl-C.
async::Task<void> Follow(async::Context ctx, const std::string& path, Terminal& terminal) {
  std::ifstream file(path, std::ios::binary);
  file.seekg(0, std::ios::end);
  for (;;) {
    std::string line;
    while (std::getline(file, line)) terminal.Out(Redact(line) + "\n");
    file.clear();
    std::error_code gone;
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path, gone));
    if (!gone && size < file.tellg()) file.seekg(0);  // it was cut, and goes on from its begin
    const Result<void> slept = co_await async::Sleep(ctx, kFollowEvery);
    if (!slept || terminal.out_error()) co_return;
  }
}

int Logs(Session& session, const EnginesFlags& flags) {
  const std::string& name = flags.names.front();
  const Result<engine::ServerFolder> folder = engine::ServerFolder::Open(session.env);
  if (!folder) return Refuse(session, flags, folder.error());
  const std::optional<std::string> log = folder->LastLog(name);
  if (!log) {
    return Refuse(session, flags,
                  Error{.code = Code::kConfigError,
                        .message = StrCat("there is no log of engine '", name,
                                          "': weir has started no server for it")});
  }
  const std::uint64_t lines = std::clamp<std::uint64_t>(flags.lines.value_or(50), 1, 1'000'000);
  const std::string tail = engine::LogTail(*log, static_cast<std::size_t>(lines));
  if (flags.json()) {
    std::string text;
    json::Writer out(text);
    out.BeginObject();
    out.Field("engine", name);
    out.Field("log", *log);
    out.Field("tail", tail);
    out.EndObject();
    session.terminal.Out(text + "\n");
    return kExitOk;
  }
  if (!tail.empty()) session.terminal.Out(tail + "\n");
  if (tail.empty()) session.terminal.Note(StrCat("nothing is in ", *log, " yet"));
  if (!flags.follow) return kExitOk;
  async::Loop loop;
  Work work(loop, session.terminal);
  loop.Run(Follow(work.NewContext({}), *log, session.terminal));
  return kExitOk;
}

// An engine that only the command line describes.
int ServeVllm(Session& session, const std::vector<std::string>& words) {
  constexpr std::string_view kUsage = "usage: weir serve-vllm MODEL [flags of vllm serve ...]";
  const auto asks = [](const std::string& word) { return word == "--help" || word == "-h"; };
  if (std::ranges::any_of(words, asks)) {
    session.terminal.Out(StrCat(kUsage, "; vllm serve --help lists its flags\n"));
    return kExitOk;
  }
  if (words.empty() || words.front().starts_with('-')) {
    session.terminal.Note(kUsage);
    return kExitUsage;
  }
  const std::string& model = words.front();
  config::EngineConfig engine;
  engine.name = model.substr(model.find_last_of('/') + 1);  // npos + 1 is 0
  engine.http.model = model;
  engine.managed = true;
  engine.serve.emplace().flags.assign(words.begin() + 1, words.end());
  StartJob job{.config = {}, .engines = {engine.name}};
  job.config.engines = {engine};
  return StartEngines(session, std::move(job));
}

using Action = int (*)(Session&, const EnginesFlags&);

CLI::App& AddVerb(CLI::App& parent, Session& session, const std::shared_ptr<EnginesFlags>& flags,
                  const char* verb, const char* help, Action action) {
  CLI::App& command = AddCommand(parent, verb, help);
  TextFlag(command, "-o,--output", flags->output, "text or json").OneOf({"text", "json"});
  SetRun(command, session, [flags, action, &session] { return action(session, *flags); });
  return command;
}

void AddDown(CLI::App& parent, Session& session, const char* verb) {
  auto flags = std::make_shared<EnginesFlags>();  // shared by what the command keeps
  CLI::App& down = AddVerb(parent, session, flags, verb, "Stop servers, whoever uses them", Down);
  TextsFlag(down, "names", flags->names, "engines");
  SwitchFlag(down, "--all", flags->all, "all servers that weir has started");
  OnChosen(down, [flags, &session] {
    if (flags->names.empty() && !flags->all) {
      ThrowUsageError("name the engines whose servers are to be stopped, or say --all");
    }
    session.run = [flags, &session] { return Down(session, *flags); };
  });
}

void AddWarmup(CLI::App& parent, Session& session) {
  auto flags = std::make_shared<EnginesFlags>();
  CLI::App& warmup = AddVerb(parent, session, flags, "warmup",
                             "Start what a flow needs, or every engine that is not lazy", Warmup);
  TextsFlag(warmup, "names", flags->names, "a flow, or engines");
  TextFlag(warmup, "--kind", flags->kind, "all engines of this kind, lazy ones too")
      .OneOf({"vllm", "vllm_api", "openai", "ollama", "ollama_api"});
}

void AddServeVllm(CLI::App& app, Session& session) {
  CLI::App& serve =
      AddPrefixCommand(app, "serve-vllm",
                       "Start vLLM in the background: weir serve-vllm MODEL [flags of vllm serve]");
  SetRun(serve, session, [&serve, &session] {
    return ServeVllm(session, WordsBehind(serve).value_or(std::vector<std::string>()));
  });
}

}  // namespace

void AddEnginesCommand(CLI::App& app, Session& session) {
  CLI::App& engines = AddCommand(app, "engines", "Engines, and the servers that weir starts");
  RequireCommand(engines);
  auto flags = std::make_shared<EnginesFlags>();  // shared by what the command keeps
  AddVerb(engines, session, flags, "list", "The engines of the configuration", List);
  AddVerb(engines, session, flags, "ps", "The servers that run", Ps);
  CLI::App& up =
      AddVerb(engines, session, flags, "up",
              "Start servers that go on until `engines down`; prints where they are", Up);
  TextsFlag(up, "names", flags->names, "engines").Required();
  CLI::App& logs = AddVerb(engines, session, flags, "logs", "What a server wrote", Logs);
  TextsFlag(logs, "names", flags->names, "an engine").Required().Single();
  NumberFlag(logs, "-n,--lines", flags->lines, "lines from the end; default: 50");
  SwitchFlag(logs, "-f,--follow", flags->follow, "go on until Ctrl-C");
  AddDown(engines, session, "down");
  AddWarmup(engines, session);
  AddDown(app, session, "kill");
  AddWarmup(app, session);
  AddServeVllm(app, session);
}

}  // namespace weir::cli
