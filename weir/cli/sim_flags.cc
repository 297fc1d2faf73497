#include "weir/cli/sim_flags.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/terminal.h"

namespace weir::cli {
namespace {

constexpr std::int64_t kMostThreads = 1024;
constexpr std::int64_t kMostReplicas = 64;
constexpr double kMostMillis = 1e9;
constexpr double kMostBatchSeconds = 1e7;
constexpr std::uint64_t kMostOfFlag = 1'000'000'000;  // of anything that has a place in memory

constexpr const char* kDoor = "Where it listens";
constexpr const char* kServer = "The server that it plays";
constexpr const char* kWords = "What it says";
constexpr const char* kPace = "How fast it is";
constexpr const char* kEngine = "Its engine";
constexpr const char* kSwitches = "What its server was started with";
constexpr const char* kRecordings = "Recordings of another server";
constexpr const char* kStandIn = "A stand-in for the program vllm";

struct Switch {
  const char* flag;
  bool sim::ServerSwitches::* field;
  const char* help;
};

constexpr Switch kSwitchFlags[] = {
    {"auto-tool-choice", &sim::ServerSwitches::auto_tool_choice, "tools are refused"},
    {"prompt-tokens-details", &sim::ServerSwitches::prompt_tokens_details,
     "usage does not tell cached tokens"},
    {"force-include-usage", &sim::ServerSwitches::force_include_usage,
     "every stream ends with its usage"},
    {"request-id-headers", &sim::ServerSwitches::request_id_headers, "X-Request-Id is sent back"},
    {"load-tracking", &sim::ServerSwitches::load_tracking, "/load always says 0"},
    {"runtime-lora", &sim::ServerSwitches::runtime_lora, "adapters cannot be loaded or unloaded"},
    {"dev-mode", &sim::ServerSwitches::dev_mode, "no /sleep, /pause, /reset_prefix_cache"},
    {"responses-store", &sim::ServerSwitches::responses_store, "responses cannot be fetched"},
    {"log-stats", &sim::ServerSwitches::log_stats, "/metrics has no numbers of the engine"},
};

void AddDoorFlags(CLI::App& command, SimFlags& flags) {
  SetHeading(command, kDoor);
  TextFlag(command, "--listen", flags.listen,
           "HOST:PORT or unix:PATH; port 0 is any free one, and 127.0.0.1:0 the default: "
           "the line on stdout names the port");
  TextFlag(command, "--tls", flags.tls, "serve https with CERT.pem,KEY.pem");
  NumberFlag(command, "--threads", flags.threads, "threads; default: one per processor");
  NumberFlag(command, "--replicas", flags.replicas,
             "so many servers in one process, on consecutive ports; a ready line for each");
  NumberFlag(command, "--startup-delay", flags.startup_delay,
             "milliseconds before it listens, as a model takes to load");
}

void AddServerFlags(CLI::App& command, SimFlags& flags) {
  SetHeading(command, kServer);
  TextFlag(command, "--dialect", flags.dialect,
           StrCat("server to play: ", Join(wire::DialectNames(), ", ")));
  TextFlag(command, "--version-string", flags.version,
           "what /version says (default: as the dialect)");
  ListFlag(command, "--model", flags.served_names,
           "served model name; may be repeated for further names of the same model");
  ListFlag(command, "--adapter", flags.adapters,
           "LoRA adapter that is loaded, NAME or NAME=PATH; may be repeated");
  NumberFlag(command, "--max-model-len", flags.max_model_len,
             "tokens of prompt and answer together (default 32768)");
  SwitchFlag(command, "--reasoning", flags.reasoning, "the model thinks before it answers");
  ListFlag(command, "--api-key", flags.api_keys, "key that clients must send; may be repeated");
  TextFlag(command, "--models-path", flags.models_path,
           "a further path that lists the models, such as /models");
}

void AddWordFlags(CLI::App& command, SimFlags& flags) {
  SetHeading(command, kWords);
  NumberFlag(command, "--seed", flags.seed, "another seed, other answers");
  TextFlag(command, "--scenario", flags.scenario,
           "YAML file of scripted replies (docs/simulator.md)");
  NumberFlag(command, "--batch-window", flags.batch_window,
             "seconds that a batch may take before it expires (default 86400)");
  SwitchFlag(command, "--ignore-constraints", flags.ignore_constraints,
             "answer as a server does that does not know schemas and patterns");
  SwitchFlag(command, "--deterministic", flags.deterministic,
             "ids and times are the same in every run");
}

void AddPaceFlags(CLI::App& command, SimFlags& flags) {
  SetHeading(command, kPace);
  SwitchFlag(command, "--instant", flags.instant, "no latency");
  TextFlag(command, "--ttft", flags.ttft,
           "milliseconds to the first token, MS or MS-MS (default 50-200)");
  TextFlag(command, "--itl", flags.itl, "milliseconds between tokens, MS or MS-MS (default 20-50)");
  TextFlag(command, "--profile", flags.profile,
           "an engine that works in steps: 8b-h100, 70b-8xh100, small-l40s, or a "
           "YAML file");
  NumberFlag(command, "--time-scale", flags.time_scale, "multiplies all latencies (default 1)");
}

void AddEngineFlags(CLI::App& command, SimFlags& flags) {
  SetHeading(command, kEngine);
  NumberFlag(command, "--max-num-seqs", flags.max_num_seqs,
             "requests that run at once (default 256)");
  NumberFlag(command, "--max-num-batched-tokens", flags.max_num_batched_tokens,
             "tokens of one step (default 8192)");
  NumberFlag(command, "--max-num-queued-reqs", flags.max_num_queued_reqs,
             "requests that may wait or run; one more gets a 503 (default: no limit)");
  NumberFlag(command, "--max-num-queued-tokens", flags.max_num_queued_tokens,
             "prompt tokens that may wait; more get a 503 (default: no limit)");
  TextFlag(command, "--scheduling-policy", flags.scheduling_policy, "who goes first (default fcfs)")
      .OneOf({"fcfs", "priority"});
  NumberFlag(command, "--max-loras", flags.max_loras,
             "different adapters that run at once (default 8)");
  NumberFlag(command, "--kv-blocks", flags.kv_blocks, "blocks of the cache (default 8192)");
  NumberFlag(command, "--block-size", flags.block_size, "tokens of a block (default 16)");
  SwitchFlag(command, "--prefix-caching,!--no-prefix-caching", flags.prefix_caching,
             "prompts that begin alike share their blocks (default: they do)");
  NumberFlag(command, "--max-logprobs", flags.max_logprobs,
             "most logprobs of a token; -1: any number (default 20)");

  SetHeading(command, kSwitches);
  for (const Switch& its : kSwitchFlags) {
    bool& field = flags.switches.*its.field;
    const std::string name = StrCat(field ? "--no-" : "--", its.flag);
    SwitchFlag(command, name, [&field, to = !field] { field = to; }, its.help);
  }
}

void AddRecordingFlags(CLI::App& command, SimFlags& flags) {
  SetHeading(command, kRecordings);
  TextFlag(command, "--record", flags.record,
           "pass requests on to --upstream, and write what comes into this folder");
  TextFlag(command, "--upstream", flags.upstream, "address of the server that is recorded");
  TextFlag(command, "--replay", flags.replay,
           "answer from this folder; --time-scale and --instant apply");
}

// "50" or "50-200".
Result<sim::Spread> SpreadFlag(std::string_view flag, std::string_view text) {
  const std::size_t dash = text.find('-', 1);
  const auto first = ParseDouble(text.substr(0, dash));
  const auto second = dash == text.npos ? first : ParseDouble(text.substr(dash + 1));
  const auto fits = [](std::optional<double> millis) {
    return millis && *millis >= 0 && *millis <= kMostMillis;
  };
  if (!fits(first) || !fits(second) || *second < *first) {
    return Fail(Code::kConfigError,
                StrCat(flag, " must be a number of milliseconds in [0, ", kMostMillis,
                       "], or two with a dash, the lower one first (50-200), got '",
                       Truncate(text, 60), "'"));
  }
  const auto time = [](double millis) {
    const std::chrono::duration<double, std::milli> exact(millis);
    return std::chrono::duration_cast<Duration>(exact);
  };
  return sim::Spread{time(*first), time(*second)};
}

Result<sim::Latency> Profile(const std::string& name) {
  if (!name.contains('/') && !name.contains('.')) return sim::BuiltInLatency(name);
  WEIR_TRY(const std::string text, ReadInput(name));
  return sim::LatencyOfProfile(text, name);
}

Result<sim::Latency> PaceOf(const SimFlags& flags) {
  sim::Latency latency;
  if (flags.instant) {
    const std::string_view other = !flags.ttft.empty()      ? "--ttft"
                                   : !flags.itl.empty()     ? "--itl"
                                   : !flags.profile.empty() ? "--profile"
                                                            : "";
    if (!other.empty()) {
      return Fail(Code::kConfigError, StrCat("--instant leaves nothing for ", other,
                                             " to say; leave one of them away"));
    }
    latency.pace = sim::Latency::Pace::kInstant;
  }
  if (!flags.profile.empty()) {
    WEIR_TRY(latency, Profile(flags.profile));
  }
  const bool modelled = latency.pace == sim::Latency::Pace::kModelled;
  if (modelled && (!flags.ttft.empty() || !flags.itl.empty())) {
    return Fail(
        Code::kConfigError,
        StrCat("the profile ", flags.profile, " models steps of an engine, in which --ttft ",
               "and --itl have no place; leave them or --profile away"));
  }
  if (!flags.ttft.empty()) {
    WEIR_TRY(latency.ttft, SpreadFlag("--ttft", flags.ttft));
  }
  if (!flags.itl.empty()) {
    WEIR_TRY(latency.itl, SpreadFlag("--itl", flags.itl));
  }
  latency.time_scale = flags.time_scale.value_or(latency.time_scale);
  constexpr double kMostTimeScale = 1e6;
  if (!(latency.time_scale >= 0 && latency.time_scale <= kMostTimeScale)) {
    return Fail(Code::kConfigError,
                StrCat("--time-scale must be in [0, 1000000], got ", latency.time_scale));
  }
  return latency;
}

// Sets `field` if the flag was given and lies in [least, kMostOfFlag].
template <class T>
Result<void> TakeCount(std::string_view flag, std::optional<std::uint64_t> given,
                       std::uint64_t least, T& field) {
  if (!given) return {};
  if (*given < least || *given > kMostOfFlag) {
    return Fail(Code::kConfigError,
                StrCat(flag, " must be in [", least, ", ", kMostOfFlag, "], got ", *given));
  }
  field = static_cast<T>(*given);
  return {};
}

Result<void> ReadEngine(const SimFlags& flags, sim::SchedulerOptions& engine) {
  WEIR_CHECK(TakeCount("--max-num-seqs", flags.max_num_seqs, 1, engine.max_num_seqs));
  WEIR_CHECK(TakeCount("--max-num-batched-tokens", flags.max_num_batched_tokens, 1,
                       engine.max_num_batched_tokens));
  WEIR_CHECK(
      TakeCount("--max-num-queued-reqs", flags.max_num_queued_reqs, 0, engine.max_num_queued));
  WEIR_CHECK(TakeCount("--max-num-queued-tokens", flags.max_num_queued_tokens, 0,
                       engine.max_queued_tokens));
  WEIR_CHECK(TakeCount("--max-loras", flags.max_loras, 1, engine.max_loras));
  WEIR_CHECK(TakeCount("--kv-blocks", flags.kv_blocks, 1, engine.cache.blocks));
  WEIR_CHECK(TakeCount("--block-size", flags.block_size, 1, engine.cache.block_size));
  engine.by_priority = flags.scheduling_policy == "priority";
  engine.cache.prefix_caching = flags.prefix_caching;
  return {};
}

// The dialect of vLLM that is meant by "vllm", "latest", "0.11", "vLLM 0.11.2" or "v0.11": the
// newest one that is not newer.
std::optional<std::string> VllmDialectMeant(std::string_view name) {
  const std::string lower = ToLower(Trim(name));
  std::string_view rest = lower;
  const auto skip = [&rest](std::string_view word) {
    if (!rest.starts_with(word)) return false;
    rest.remove_prefix(word.size());
    rest.remove_prefix(std::min(rest.find_first_not_of("-_=@: "), rest.size()));
    return true;
  };
  const bool says_vllm = skip("vllm");
  if ((says_vllm && rest.empty()) || rest == "latest") return wire::Dialect().name;
  skip("v");
  if (rest.empty() || rest.front() < '0' || rest.front() > '9') return std::nullopt;
  const std::string numbers(rest.substr(0, rest.find_first_not_of("0123456789.")));
  if (!numbers.contains('.')) return std::nullopt;
  const auto release = [](wire::Version version) {
    version.patch = 0;
    return version;
  };
  const wire::Version version = release(wire::DialectOfVersion(numbers).version);
  std::optional<std::string> meant;
  wire::Version newest;
  for (const std::string& known : wire::ClientDialectNames()) {
    const Result<wire::Dialect> dialect = wire::DialectByName(known);
    if (!dialect) continue;
    const wire::Version its = release(dialect->version);
    if (meant && (its > version || its < newest)) continue;
    meant = known;
    newest = its;
  }
  return meant;
}

Result<wire::Dialect> DialectFlag(const std::string& name) {
  Result<wire::Dialect> dialect = wire::DialectByName(name);
  const std::optional<std::string> meant = dialect ? std::nullopt : VllmDialectMeant(name);
  if (!meant) return dialect;
  return Fail(Code::kConfigError,
              StrCat("there is no dialect '", Truncate(name, 60), "'; did you mean ", *meant,
                     "? There are ", Join(wire::DialectNames(), ", ")));
}

Result<void> ReadModel(const SimFlags& flags, sim::SimModel& model) {
  if (!flags.served_names.empty()) model.served_names = flags.served_names;
  for (const std::string& text : flags.adapters) {
    const std::size_t equals = text.find('=');
    sim::Adapter adapter{.name = text.substr(0, equals), .path = ""};
    if (equals != text.npos) adapter.path = text.substr(equals + 1);
    if (adapter.name.empty() || (equals != text.npos && adapter.path.empty())) {
      return Fail(Code::kConfigError,
                  StrCat("--adapter must be NAME or NAME=PATH, got '", text, "'"));
    }
    model.adapters.push_back(std::move(adapter));
  }
  model.max_model_len = flags.max_model_len.value_or(model.max_model_len);
  model.reasons = flags.reasoning;
  return {};
}

}  // namespace

void AddSimFlags(CLI::App& command, SimFlags& flags) {
  AddDoorFlags(command, flags);
  AddServerFlags(command, flags);
  AddWordFlags(command, flags);
  AddPaceFlags(command, flags);
  AddEngineFlags(command, flags);
  AddRecordingFlags(command, flags);
  SetHeading(command, kStandIn);
  SwitchFlag(command, "--as-vllm", flags.as_vllm,
             "take what vllm takes: weir sim --as-vllm serve MODEL [flags of vllm serve]; a "
             "link named vllm to this program does the same");
}

std::string SimulatingFlag(const CLI::App& command) {
  for (const GivenFlag& flag : GivenFlags(command)) {
    const std::string& about = flag.heading;
    const bool about_it = about == kServer || about == kWords || about == kPace ||
                          about == kEngine || about == kSwitches;
    const bool for_both = flag.name == "--instant" || flag.name == "--time-scale";
    if (about_it && !for_both) return flag.name;
  }
  return {};
}

Result<sim::SimOptions> SimOptionsOf(const SimFlags& flags) {
  sim::SimOptions options;
  options.switches = flags.switches;
  WEIR_TRY(options.dialect, DialectFlag(flags.dialect));
  WEIR_CHECK(ReadModel(flags, options.models.front()));
  WEIR_TRY(options.engine.latency, PaceOf(flags));
  WEIR_CHECK(ReadEngine(flags, options.engine));
  options.seed = flags.seed.value_or(options.seed);
  options.server_version = flags.version;
  options.api_keys = flags.api_keys;
  options.ignore_constraints = flags.ignore_constraints;
  options.deterministic = flags.deterministic;
  options.models_path = flags.models_path;
  if (!flags.models_path.empty() && !flags.models_path.starts_with('/')) {
    return Fail(Code::kConfigError,
                StrCat("--models-path must begin with a slash, got '", flags.models_path, "'"));
  }
  if (flags.max_logprobs) {
    if (*flags.max_logprobs < -1) {
      return Fail(Code::kConfigError, StrCat("--max-logprobs must be at least 0, or -1 for any ",
                                             "number, got ", *flags.max_logprobs));
    }
    options.switches.max_logprobs = *flags.max_logprobs;
  }
  if (flags.batch_window) {
    if (!(*flags.batch_window > 0 && *flags.batch_window <= kMostBatchSeconds)) {
      return Fail(Code::kConfigError,
                  StrCat("--batch-window must be a number of seconds above 0, at most ",
                         kMostBatchSeconds, ", got ", *flags.batch_window));
    }
    options.batches.window =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*flags.batch_window));
  }
  if (!flags.scenario.empty()) {
    WEIR_TRY(const std::string text, ReadInput(flags.scenario));
    WEIR_TRY(options.script, sim::LoadScript(text, flags.scenario));
  }
  return options;
}

Result<int> ThreadsOf(const SimFlags& flags) {
  if (!flags.threads) return 0;
  if (*flags.threads >= 1 && *flags.threads <= kMostThreads)
    return static_cast<int>(*flags.threads);
  return Fail(Code::kConfigError,
              StrCat("--threads must be in [1, ", kMostThreads, "], got ", *flags.threads,
                     "; without the flag there is one per processor"));
}

Result<std::size_t> ReplicasOf(const SimFlags& flags) {
  const std::int64_t replicas = flags.replicas.value_or(1);
  if (replicas >= 1 && replicas <= kMostReplicas) return static_cast<std::size_t>(replicas);
  return Fail(Code::kConfigError,
              StrCat("--replicas must be in [1, ", kMostReplicas, "], got ", replicas));
}

Result<Duration> StartupDelayOf(const SimFlags& flags) {
  const double millis = flags.startup_delay.value_or(0);
  if (!(millis >= 0 && millis <= kMostMillis)) {
    return Fail(Code::kConfigError,
                StrCat("--startup-delay must be a number of milliseconds in [0, ", kMostMillis,
                       "], got ", millis));
  }
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(millis));
}

Result<void> CheckRecording(const SimFlags& flags, const std::string& simulating) {
  const bool records = !flags.record.empty();
  const bool replays = !flags.replay.empty();
  std::string problem;
  if (records && replays) {
    problem = "--record and --replay cannot stand together: record first, then play it back";
  } else if (records && flags.upstream.empty()) {
    problem = "--record needs --upstream URL: the server whose answers are recorded";
  } else if (!flags.upstream.empty() && !records) {
    problem = "--upstream needs --record DIR: the folder that its answers are written into";
  } else if (records && (flags.instant || flags.time_scale)) {
    problem = "--instant and --time-scale mean nothing to --record: the upstream has its own pace";
  } else if ((records || replays) && !simulating.empty()) {
    problem = StrCat(simulating, " is about a simulated server, and with ",
                     records ? "--record" : "--replay", " another one answers; leave it away");
  } else if ((records || replays) && flags.replicas) {
    problem = StrCat("--replicas is for simulated servers, not for ",
                     records ? "--record" : "--replay", "; leave it away");
  } else if (flags.as_vllm && (records || replays || flags.replicas)) {
    problem = "--as-vllm plays one simulated server: no --record, --replay or --replicas";
  }
  if (problem.empty()) return {};
  return Fail(Code::kConfigError, std::move(problem));
}

}  // namespace weir::cli
