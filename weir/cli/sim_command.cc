#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include <unistd.h>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/serve.h"
#include "weir/cli/sim_flags.h"
#include "weir/cli/vllm_serve.h"
#include "weir/http/cassette.h"
#include "weir/http/cassette_file.h"
#include "weir/sim/forward.h"
#include "weir/sim/sim.h"

namespace weir::cli {
namespace {

using Doors = std::vector<std::unique_ptr<http::Handler>>;

// One core each, with caches and counters of its own and the same seed.
Result<Doors> SimulatedDoors(const SimFlags& flags) {
  Doors doors;
  WEIR_TRY(const std::size_t replicas, ReplicasOf(flags));
  WEIR_TRY(const sim::SimOptions options, SimOptionsOf(flags));
  for (std::size_t i = 0; i < replicas; ++i) {
    WEIR_TRY(std::shared_ptr<sim::SimCore> core, sim::NewSimCore(options));
    doors.push_back(sim::NewSimHandler(std::move(core)));
  }
  return doors;
}

// Both are found out now: a server that is up answers nothing but 502.
Result<void> CheckEmpty(const std::string& folder) {
  std::error_code ignored;  // what cannot be looked at cannot be listed either
  if (!std::filesystem::exists(folder, ignored)) return {};
  const auto there = http::ListExchanges(folder, {});
  if (!there) return Fail(Code::kConfigError, there.error().message, there.error().cause);
  if (there->empty()) return {};
  return Fail(Code::kConfigError,
              StrCat("--record: the folder ", folder, " holds a recording of ", there->size(),
                     there->size() == 1 ? " exchange" : " exchanges",
                     " already; name a new folder, or delete that one (weir sim --replay ", folder,
                     " plays it)"));
}

Result<void> MakeFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error) return {};
  return Fail(
      Code::kConfigError,
      StrCat("--record: cannot write into the folder ", folder, "; name one where you may write"),
      error.message());
}

Result<void> CheckRecorded(const std::string& folder) {
  std::error_code ignored;
  if (!std::filesystem::exists(folder, ignored)) {
    return Fail(Code::kConfigError,
                StrCat("--replay: there is no folder ", folder, "; weir sim --record ", folder,
                       " --upstream URL makes one"));
  }
  const auto paths = http::ListExchanges(folder, {});
  if (!paths) return Fail(Code::kConfigError, paths.error().message, paths.error().cause);
  if (paths->empty()) {
    return Fail(Code::kConfigError,
                StrCat("--replay: there is no recording in the folder ", folder,
                       "; record one with weir sim --record ", folder, " --upstream URL"));
  }
  for (const std::string& path : *paths) {
    const auto exchange = http::ReadExchangeFile(path, {});
    if (!exchange)
      return Fail(Code::kConfigError, exchange.error().message, exchange.error().cause);
  }
  return {};
}

Result<Doors> RecordingDoor(const SimFlags& flags, const Env& env) {
  WEIR_CHECK(CheckEmpty(flags.record));
  WEIR_CHECK(MakeFolder(flags.record));
  Result<http::Url> upstream = http::ParseUrl(flags.upstream);
  if (!upstream) return Fail(Code::kConfigError, StrCat("--upstream: ", upstream.error().message));
  auto dialer = http::NewRecordingDialer(http::NewSystemDialer({.proxy = http::ProxyFromEnv(env)}),
                                         flags.record);
  Doors doors;
  doors.push_back(sim::NewForwardHandler(*std::move(upstream), std::move(dialer)));
  return doors;
}

Result<Doors> ReplayingDoor(const SimFlags& flags) {
  const double time_scale = flags.instant ? 0 : flags.time_scale.value_or(1);
  if (!(time_scale >= 0)) {
    return Fail(Code::kConfigError, StrCat("--time-scale must not be negative, got ", time_scale));
  }
  WEIR_CHECK(CheckRecorded(flags.replay));
  WEIR_TRY(http::Url nowhere, http::ParseUrl("http://replay"));
  Doors doors;
  doors.push_back(sim::NewForwardHandler(
      std::move(nowhere), http::NewReplayDialer(flags.replay, {.time_scale = time_scale}),
      {.replays = true}));
  return doors;
}

Result<int> RunSim(const SimFlags& flags, Session& session) {
  ServeOptions serve{.name = "weir sim", .listen = {.address = flags.listen}};
  WEIR_TRY(serve.threads, ThreadsOf(flags));
  WEIR_TRY(serve.startup_delay, StartupDelayOf(flags));
  WEIR_TRY(serve.listen.tls, TlsFlag(flags.tls));
  // Files for batches are uploaded whole, in a form that takes a few bytes more.
  constexpr std::size_t kForm = 1 << 20;
  serve.server.body_bytes = sim::BatchOptions().max_file_bytes + kForm;
  Result<Doors> doors = !flags.record.empty()   ? RecordingDoor(flags, session.env)
                        : !flags.replay.empty() ? ReplayingDoor(flags)
                                                : SimulatedDoors(flags);
  if (!doors) return Fail(std::move(doors).error());
  return Serve(session, serve, *std::move(doors));
}

// `vllm` is what stands behind --as-vllm; not set when nothing does.
int Run(const SimFlags& flags, const std::string& simulating,
        const std::optional<std::vector<std::string>>& vllm, Session& session) {
  if (flags.as_vllm != vllm.has_value()) {
    session.terminal.Note("usage: weir sim [FLAGS] --as-vllm serve MODEL [flags of vllm serve]");
    return kExitUsage;
  }
  const auto refuse = [&](const Error& error) {
    session.terminal.Problem(error);
    return ExitCode(error);
  };
  const Result<void> fits = CheckRecording(flags, simulating);
  if (!fits) return refuse(fits.error());
  if (vllm) return RunVllm(*vllm, flags, session);
  const Result<int> code = RunSim(flags, session);
  return code ? *code : refuse(code.error());
}

}  // namespace

void AddSimCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<SimFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(app, "sim", "Serve a simulated vLLM: no GPU, no model");
  AddSimFlags(command, *flags);
  CLI::App& serve = AddPrefixCommand(command, "serve", "");  // behind it are vLLM's words
  HideCommand(serve);
  RemoveHelpFlag(serve);
  SetRun(command, session, [flags, &command, &serve, &session] {
    std::optional<std::vector<std::string>> vllm = WordsBehind(serve);
    if (vllm) vllm->insert(vllm->begin(), "serve");
    return Run(*flags, SimulatingFlag(command), vllm, session);
  });
}

}  // namespace weir::cli
