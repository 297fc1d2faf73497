#include <CLI/CLI.hpp>

#include "weir/base/text.h"
#include "weir/cli/serve.h"
#include "weir/sim/sim.h"

namespace weir::cli {
namespace {

struct SimFlags {
  std::string listen = "127.0.0.1:0";
  std::string tls;
  int threads = 0;
  std::string dialect = "vllm-latest";
  std::string scenario;
  std::optional<double> ttft;
  std::optional<double> itl;
  std::vector<std::string> served_names;
  std::vector<std::string> adapters;
  sim::SimOptions options;
};

Result<sim::Spread> Latency(std::string_view flag, double millis) {
  if (!(millis >= 0)) {
    return Fail(Code::kConfigError, StrCat(flag, " must be a number of milliseconds"));
  }
  const std::chrono::duration<double, std::milli> time(millis);
  return sim::Spread::Fixed(std::chrono::duration_cast<Duration>(time));
}

Result<sim::SimOptions> OptionsOf(const SimFlags& flags) {
  sim::SimOptions options = flags.options;
  WEIR_TRY(options.dialect, wire::DialectByName(flags.dialect));
  if (!flags.served_names.empty()) options.models.front().served_names = flags.served_names;
  options.models.front().adapters = flags.adapters;
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

int RunSim(const SimFlags& flags, Session& session) {
  const auto refuse = [&](const Error& error) {
    session.terminal.Problem(error);
    return ExitCode(error);
  };
  ServeOptions serve{.name = "weir sim", .listen = {.address = flags.listen}};
  serve.threads = flags.threads;
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
  sim::SimOptions& options = flags->options;
  CLI::App* command = app.add_subcommand("sim", "Serve a simulated vLLM: no GPU, no model");
  command->add_option("--listen", flags->listen, "HOST:PORT (port 0: a free one) or unix:PATH");
  command->add_option("--tls", flags->tls, "serve https with CERT.pem,KEY.pem");
  command->add_option("--threads", flags->threads, "threads; 0: one per processor");
  command->add_option("--dialect", flags->dialect,
                      StrCat("server to play: ", Join(wire::DialectNames(), ", ")));
  command->add_option("--model", flags->served_names, "served model name; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--adapter", flags->adapters, "LoRA adapter that is loaded; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--max-model-len", options.models.front().max_model_len,
                      "tokens of prompt and answer together");
  command->add_option("--seed", options.seed, "another seed, other answers");
  command->add_flag("--instant", options.instant, "no latency");
  command->add_option_function<double>(
      "--ttft", [flags](double ms) { flags->ttft = ms; },
      "milliseconds to the first token (default 50-200)");
  command->add_option_function<double>(
      "--itl", [flags](double ms) { flags->itl = ms; },
      "milliseconds between tokens (default 20-50)");
  command->add_option("--time-scale", options.time_scale, "multiplies all latencies");
  command->add_option("--max-num-seqs", options.max_num_seqs, "requests that run at once");
  command->add_option("--scenario", flags->scenario, "YAML file of scripted replies (docs/sim.md)");
  command->add_option("--api-key", options.api_key, "key that clients must send");
  command->callback(
      [flags, &session] { session.run = [flags, &session] { return RunSim(*flags, session); }; });
}

}  // namespace weir::cli
