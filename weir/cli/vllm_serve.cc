#include "weir/cli/vllm_serve.h"

#include <memory>
#include <utility>

#include <unistd.h>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/serve.h"
#include "weir/cli/vllm_plan.h"
#include "weir/json/writer.h"
#include "weir/sim/core.h"

namespace weir::cli {
namespace {

constexpr int kExitUsageOfPython = 2;  // argparse
constexpr int kExitTraceback = 1;
constexpr wire::Version kNamesItsProcess{0, 10, 1};
constexpr wire::Version kNumbersServers{0, 18, 0};  // before it: "API server 0"
constexpr Duration kFlush = std::chrono::seconds(1);

constexpr std::string_view kUsage = "usage: vllm serve [model_tag] [options]\n";

// The log on stdout, in vLLM's form.
class VllmLog {
 public:
  VllmLog(Terminal& terminal, const wire::Version& version)
      : terminal_(terminal), with_process_(version >= kNamesItsProcess), pid_(::getpid()) {}

  void Api(std::string_view place, std::string_view text) const {
    Line("APIServer", "INFO", place, text);
  }
  void Engine(std::string_view place, std::string_view text) const {
    Line("EngineCore", "INFO", place, text);
  }
  void EngineError(std::string_view place, std::string_view text) const {
    Line("EngineCore", "ERROR", place, text);
  }
  // What uvicorn says has no time.
  void Uvicorn(std::string_view text) const {
    terminal_.Out(StrCat(Process("APIServer"), "INFO:     ", text, "\n"));
  }

  int pid() const { return pid_; }

 private:
  std::string Process(std::string_view name) const {
    return with_process_ ? StrCat("(", name, " pid=", pid_, ") ") : std::string();
  }

  void Line(std::string_view process, std::string_view level, std::string_view place,
            std::string_view text) const {
    const std::string wall = FormatWallTime(SystemClock().WallNanos());
    terminal_.Out(StrCat(Process(process), level, " ", wall.substr(5, 5), " ", wall.substr(11, 8),
                         " [", place, "] ", text, "\n"));
  }

  Terminal& terminal_;
  const bool with_process_;
  const int pid_;
};

std::string VersionOf(const sim::SimOptions& options) {
  if (!options.server_version.empty()) return options.server_version;
  const wire::Version& version = options.dialect.version;
  return StrCat(version.major, ".", version.minor, ".", version.patch);
}

int RefuseUsage(const Terminal& terminal, std::string_view program, std::string_view problem) {
  terminal.Raw(StrCat(kUsage, program, ": error: ", Redact(problem), "\n"));
  return kExitUsageOfPython;
}

int RefuseStart(const Terminal& terminal, std::string_view last_line) {
  terminal.Raw(
      StrCat("Traceback (most recent call last):\n"
             "  File \"/usr/local/bin/vllm\", line 10, in <module>\n"
             "    sys.exit(main())\n",
             Redact(last_line), "\n"));
  return kExitTraceback;
}

// vLLM's sentence about flags that it does not know gets a word of ours in front when the
// simulator would have known them.
void SayWhoseFlagsTheyAre(const Terminal& terminal, std::string_view problem) {
  constexpr std::string_view kUnknown = "unrecognized arguments: ";
  if (!problem.starts_with(kUnknown)) return;
  SimFlags flags;
  const std::shared_ptr<CLI::App> known = NewCommandLine("vllm");
  AddSimFlags(*known, flags);
  for (const std::string_view word : Split(problem.substr(kUnknown.size()), ' ')) {
    const std::string flag(word.substr(0, word.find('=')));
    if (!flag.starts_with("--") || !HasFlag(*known, flag)) continue;
    terminal.Note(StrCat(flag,
                         " is a flag of weir sim, not of vllm serve; it stands in front: weir "
                         "sim ",
                         flag,
                         " --as-vllm serve ..., or for a link named vllm in the "
                         "variable WEIR_SIM_FLAGS"));
  }
}

void Echo(const std::vector<std::string>& args, const Session& session, Terminal& terminal) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Key("argv");
  out.BeginArray();
  for (const std::string& arg : WithoutSecrets(args)) out.String(arg);
  out.EndArray();
  out.Key("env");
  out.BeginObject();
  for (const auto& [name, value] : session.env.variables) {
    out.Key(name);
    out.String(IsSecretName(name) ? RedactValue(value) : Redact(value));
  }
  out.EndObject();
  out.EndObject();
  terminal.Out(StrCat("weir sim: started with ", text, "\n"));
}

void LogStart(const VllmLog& log, const VllmArguments& arguments, const VllmPlan& plan) {
  const std::string version = VersionOf(plan.sim);
  const sim::SimModel& model = plan.sim.models.front();
  log.Api("api_server.py:1896", StrCat("vLLM API server version ", version));
  log.Api("utils.py:328", StrCat("non-default args: ", arguments.Dict()));
  for (const std::string& name : plan.ignored) {
    log.Api("simulator", StrCat("--", name, " is known, and changes nothing here"));
  }
  log.Engine("core.py:93",
             StrCat("Initializing a V1 LLM engine (v", version, ") with config: model='",
                    model.root, "', max_seq_len=", model.max_model_len, ", seed=", plan.sim.seed));
  log.Engine("gpu_model_runner.py:2602", StrCat("Starting to load model ", model.root, "..."));
}

// As Python's {:,} writes it.
std::string WithCommas(std::int64_t number) {
  std::string text = StrCat(number);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, ",");
  }
  return text;
}

// As Python's {:.2f} writes it.
std::string WithTwoPlaces(std::int64_t hundredths) {
  const std::int64_t places = hundredths % 100;
  return StrCat(hundredths / 100, places < 10 ? ".0" : ".", places);
}

void LogEngine(const VllmLog& log, const VllmPlan& plan) {
  const sim::KvCacheOptions& cache = plan.sim.engine.cache;
  const std::int64_t window = plan.sim.models.front().max_model_len;
  const std::int64_t tokens = cache.blocks * cache.block_size;
  log.Engine("default_loader.py:267", "Loading weights took 0.01 seconds");
  log.Engine("gpu_model_runner.py:2653", "Model loading took 0.0000 GiB and 0.010000 seconds");
  log.Engine("kv_cache_utils.py:1087",
             StrCat("GPU KV cache size: ", WithCommas(tokens), " tokens"));
  log.Engine("kv_cache_utils.py:1091",
             StrCat("Maximum concurrency for ", WithCommas(window),
                    " tokens per request: ", WithTwoPlaces(tokens * 100 / window), "x"));
  log.Engine("gpu_model_runner.py:3480", "Graph capturing finished in 0 secs, took 0.00 GiB");
  log.Engine("core.py:210",
             "init engine (profile, create kv cache, warmup model) took 0.01 seconds");
}

void LogReady(const VllmLog& log, const VllmPlan& plan, const std::string& url) {
  struct Route {
    const char* path;
    const char* methods;
    bool there;
  };
  const sim::ServerSwitches& switches = plan.sim.switches;
  const Route routes[] = {
      {"/health", "GET", true},
      {"/load", "GET", true},
      {"/ping", "GET, POST", true},
      {"/version", "GET", true},
      {"/metrics", "GET", true},
      {"/tokenize", "POST", true},
      {"/detokenize", "POST", true},
      {"/v1/models", "GET", true},
      {"/v1/responses", "POST", true},
      {"/v1/chat/completions", "POST", true},
      {"/v1/completions", "POST", true},
      {"/v1/embeddings", "POST", true},
      {"/v1/load_lora_adapter", "POST", switches.runtime_lora},
      {"/v1/unload_lora_adapter", "POST", switches.runtime_lora},
      {"/sleep", "POST", switches.dev_mode},
      {"/wake_up", "POST", switches.dev_mode},
      {"/is_sleeping", "GET", switches.dev_mode},
      {"/reset_prefix_cache", "POST", switches.dev_mode},
      {"/pause", "POST", switches.dev_mode},
      {"/resume", "POST", switches.dev_mode},
      {"/is_paused", "GET", switches.dev_mode},
  };
  const bool old_words = plan.sim.dialect.version < kNumbersServers;
  log.Api("api_server.py:1661", "Supported tasks: ('generate',)");
  log.Api("api_server.py:1971",
          StrCat("Starting vLLM ", old_words ? "API server 0" : "server", " on ", url));
  log.Api("launcher.py:38", "Available routes are:");
  for (const Route& route : routes) {
    if (!route.there) continue;
    log.Api("launcher.py:46", StrCat("Route: ", route.path, ", Methods: ", route.methods));
  }
  log.Uvicorn(StrCat("Started server process [", log.pid(), "]"));
  log.Uvicorn("Waiting for application startup.");
  log.Uvicorn("Application startup complete.");
}

// An engine that does not come up: its own log first, then the server's end.
int FailStart(const VllmLog& log, const Terminal& terminal, Duration delay) {
  async::Loop loop;
  (void)loop.Run(async::Sleep(async::Context(loop), delay));  // nobody can cancel it
  for (const char* line :
       {"EngineCore failed to start.", "Traceback (most recent call last):",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total "
        "capacity of 23.69 GiB of which 1.12 GiB is free."}) {
    log.EngineError("core.py:935", line);
  }
  return RefuseStart(terminal,
                     "RuntimeError: Engine core initialization failed. See root cause above. "
                     "Failed core proc(s): {}");
}

int ServeVllm(const VllmArguments& arguments, VllmPlan plan, const SimFlags& flags,
              Session& session) {
  const auto refuse = [&](const Error& error) {
    session.terminal.Problem(error);
    return ExitCode(error);
  };
  const Result<int> threads = ThreadsOf(flags);
  if (!threads) return refuse(threads.error());
  const Result<Duration> delay = StartupDelayOf(flags);
  if (!delay) return refuse(delay.error());
  const VllmLog log(session.terminal, plan.sim.dialect.version);
  LogStart(log, arguments, plan);
  if (session.env.Get("WEIR_SIM_FAIL_START") == "1") {
    return FailStart(log, session.terminal, *delay);
  }
  const Result<std::shared_ptr<sim::SimCore>> core = sim::NewSimCore(plan.sim);
  if (!core) return refuse(core.error());

  ServeOptions serve{.name = "vllm", .listen = plan.listen, .startup_delay = *delay};
  serve.threads = *threads;
  serve.second_signal_ends = false;
  serve.ignore_sigterm = session.env.Get("WEIR_SIM_IGNORE_SIGTERM") == "1";
  const bool aborts = plan.shutdown_timeout == Duration::zero();
  serve.server.drain = aborts ? kFlush : plan.shutdown_timeout;
  serve.on_ready = [&](const std::vector<std::string>& urls) {
    LogEngine(log, plan);
    LogReady(log, plan, plan.url.ends_with(":0") ? urls.front() : plan.url);
  };
  serve.on_stop = [&] {
    log.Api("launcher.py:120", aborts
                                   ? "[shutdown] API server: aborting requests"
                                   : StrCat("[shutdown] API server: draining requests, at most ",
                                            plan.shutdown_timeout / std::chrono::seconds(1), " s"));
    if (aborts) (*core)->scheduler().AbortAll();
  };
  std::vector<std::unique_ptr<http::Handler>> doors;
  doors.push_back(sim::NewSimHandler(*core));
  return Serve(session, serve, std::move(doors));
}

}  // namespace

bool IsCalledVllm(std::string_view argv0) {
  return argv0.substr(argv0.rfind('/') + 1) == "vllm";  // npos + 1 is 0
}

int RunVllm(const std::vector<std::string>& args, const SimFlags& flags, Session& session) {
  Result<sim::SimOptions> base = SimOptionsOf(flags);
  if (!base) {
    session.terminal.Problem(base.error());
    return ExitCode(base.error());
  }
  const wire::Version version = base->dialect.version;
  const std::string command = args.empty() ? "--help" : args.front();
  if (command == "--version" || command == "-v") {
    session.terminal.Out(StrCat(VersionOf(*base), "\n"));
    return kExitOk;
  }
  if (session.env.Get("WEIR_SIM_ECHO") == "1") Echo(args, session, session.terminal);
  if (command == "--help" || command == "-h") {
    session.terminal.Out("usage: vllm [-h] [-v] {serve} ...\n");
    return kExitOk;
  }
  if (command != "serve") {
    return RefuseUsage(session.terminal, "vllm",
                       StrCat("argument subparser: invalid choice: '", command,
                              "' (choose from 'serve': the simulator has no other)"));
  }
  const std::vector<std::string> behind(args.begin() + 1, args.end());
  const Result<VllmArguments> arguments = ReadVllmServe(behind, version, ReadInput);
  if (!arguments) {
    SayWhoseFlagsTheyAre(session.terminal, arguments.error().message);
    return RefuseUsage(session.terminal, "vllm serve", arguments.error().message);
  }
  if (arguments->help) {
    session.terminal.Out(
        StrCat(kUsage, "\noptions:\n  ", Join(VllmFlagNames(version), "\n  "), "\n"));
    return kExitOk;
  }
  Result<VllmPlan> plan = PlanVllm(*arguments, session.env, *std::move(base));
  if (!plan) {
    const Error& error = plan.error();
    if (error.code == Code::kInvalidRequest) {
      return RefuseUsage(session.terminal, "vllm serve", error.message);
    }
    return RefuseStart(session.terminal, error.message);
  }
  return ServeVllm(*arguments, *std::move(plan), flags, session);
}

int RunVllmLink(const std::vector<std::string>& args, Session& session) {
  SimFlags flags;
  const std::shared_ptr<CLI::App> line = NewCommandLine("vllm");
  AddSimFlags(*line, flags);
  const std::string given = session.env.Get("WEIR_SIM_FLAGS").value_or("");
  if (const std::optional<std::string> problem = ParseLine(*line, given)) {
    session.terminal.Note(StrCat("usage: WEIR_SIM_FLAGS: ", *problem));
    return kExitUsage;
  }
  return RunVllm(args, flags, session);
}

}  // namespace weir::cli
