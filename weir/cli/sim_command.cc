#include <CLI/CLI.hpp>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/serve.h"
#include "weir/sim/sim.h"

namespace weir::cli {
namespace {

constexpr std::int64_t kMostThreads = 1024;
constexpr double kMostMillis = 1e9;

struct SimFlags {
  std::string listen = "127.0.0.1:0";
  std::string tls;
  std::optional<std::int64_t> threads;
  std::string dialect = "vllm-latest";
  std::string scenario;
  std::optional<double> ttft;
  std::optional<double> itl;
  std::optional<double> time_scale;
  std::optional<std::int64_t> max_model_len;
  std::optional<std::uint64_t> max_num_seqs;
  std::optional<std::uint64_t> seed;
  std::string api_key;
  std::vector<std::string> served_names;
  std::vector<std::string> adapters;
  bool instant = false;
};

Result<sim::Spread> Latency(std::string_view flag, double millis) {
  if (!(millis >= 0 && millis <= kMostMillis)) {
    return Fail(Code::kConfigError, StrCat(flag, " must be a number of milliseconds in [0, ",
                                           kMostMillis, "], got ", millis));
  }
  const std::chrono::duration<double, std::milli> time(millis);
  return sim::Spread::Fixed(std::chrono::duration_cast<Duration>(time));
}

Result<sim::SimOptions> OptionsOf(const SimFlags& flags) {
  sim::SimOptions options;
  sim::SimModel& model = options.models.front();
  WEIR_TRY(options.dialect, wire::DialectByName(flags.dialect));
  if (!flags.served_names.empty()) model.served_names = flags.served_names;
  model.adapters = flags.adapters;
  model.max_model_len = flags.max_model_len.value_or(model.max_model_len);
  options.instant = flags.instant;
  options.time_scale = flags.time_scale.value_or(options.time_scale);
  options.max_num_seqs = flags.max_num_seqs.value_or(options.max_num_seqs);
  options.seed = flags.seed.value_or(options.seed);
  options.api_key = flags.api_key;
  if (flags.ttft) {
    WEIR_TRY(options.ttft, Latency("--ttft", *flags.ttft));
  }
  if (flags.itl) {
    WEIR_TRY(options.itl, Latency("--itl", *flags.itl));
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

int RunSim(const SimFlags& flags, Session& session) {
  const auto refuse = [&](const Error& error) {
    session.terminal.Problem(error);
    return ExitCode(error);
  };
  ServeOptions serve{.name = "weir sim", .listen = {.address = flags.listen}};
  const Result<int> threads = ThreadsOf(flags);
  if (!threads) return refuse(threads.error());
  serve.threads = *threads;
  Result<http::TlsServerOptions> tls = TlsFlag(flags.tls);
  if (!tls) return refuse(tls.error());
  serve.listen.tls = *std::move(tls);
  Result<sim::SimOptions> options = OptionsOf(flags);
  if (!options) return refuse(options.error());
  const Result<std::shared_ptr<sim::SimCore>> core = sim::NewSimCore(*std::move(options));
  if (!core) return refuse(core.error());
  const std::unique_ptr<http::Handler> handler = sim::NewSimHandler(*core);
  return Serve(session, serve, *handler);
}

}  // namespace

void AddSimCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<SimFlags>();  // shared by the callbacks that CLI11 keeps
  CLI::App* command = app.add_subcommand("sim", "Serve a simulated vLLM: no GPU, no model");
  command->add_option(
      "--listen", flags->listen,
      "HOST:PORT or unix:PATH; port 0 is any free one, and 127.0.0.1:0 the default: "
      "the line on stdout names the port");
  command->add_option("--tls", flags->tls, "serve https with CERT.pem,KEY.pem");
  NumberFlag(*command, "--threads", flags->threads, "threads; default: one per processor");
  command->add_option("--dialect", flags->dialect,
                      StrCat("server to play: ", Join(wire::DialectNames(), ", ")));
  command->add_option("--model", flags->served_names, "served model name; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--adapter", flags->adapters, "LoRA adapter that is loaded; may be repeated")
      ->allow_extra_args(false);
  NumberFlag(*command, "--max-model-len", flags->max_model_len,
             "tokens of prompt and answer together (default 32768)");
  NumberFlag(*command, "--seed", flags->seed, "another seed, other answers");
  command->add_flag("--instant", flags->instant, "no latency");
  NumberFlag(*command, "--ttft", flags->ttft, "milliseconds to the first token (default 50-200)");
  NumberFlag(*command, "--itl", flags->itl, "milliseconds between tokens (default 20-50)");
  NumberFlag(*command, "--time-scale", flags->time_scale, "multiplies all latencies (default 1)");
  NumberFlag(*command, "--max-num-seqs", flags->max_num_seqs,
             "requests that run at once (default 256)");
  command->add_option("--scenario", flags->scenario, "YAML file of scripted replies (docs/sim.md)");
  command->add_option("--api-key", flags->api_key, "key that clients must send");
  command->callback(
      [flags, &session] { session.run = [flags, &session] { return RunSim(*flags, session); }; });
}

}  // namespace weir::cli
