#pragma once

// The flags of `weir sim`, and what they make of the simulator.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/sim/sim.h"

namespace CLI {
class App;
}

namespace weir::cli {

// As they were written; what is not set keeps the simulator's default.
struct SimFlags {
  // Where it listens.
  std::string listen = "127.0.0.1:0";
  std::string tls;
  std::optional<std::int64_t> threads;
  std::optional<std::int64_t> replicas;
  std::optional<double> startup_delay;

  // The server that is played.
  std::string dialect = "vllm-latest";
  std::string version;
  std::vector<std::string> served_names;
  std::vector<std::string> adapters;
  std::optional<std::int64_t> max_model_len;
  bool reasoning = false;
  std::vector<std::string> api_keys;
  std::string models_path;

  // What it says.
  std::optional<std::uint64_t> seed;
  std::string scenario;
  std::optional<double> batch_window;  // seconds
  bool ignore_constraints = false;
  bool deterministic = false;

  // How fast it is.
  bool instant = false;
  std::string ttft;
  std::string itl;
  std::string profile;
  std::optional<double> time_scale;

  // Its engine.
  std::optional<std::uint64_t> max_num_seqs;
  std::optional<std::uint64_t> max_num_batched_tokens;
  std::optional<std::uint64_t> max_num_queued_reqs;
  std::optional<std::uint64_t> max_num_queued_tokens;
  std::string scheduling_policy;
  std::optional<std::uint64_t> max_loras;
  std::optional<std::uint64_t> kv_blocks;
  std::optional<std::uint64_t> block_size;
  bool prefix_caching = true;
  std::optional<std::int64_t> max_logprobs;
  sim::ServerSwitches switches;

  // Recordings, and a stand-in for vLLM's program.
  std::string record;
  std::string upstream;
  std::string replay;
  bool as_vllm = false;
};

// Adds the flags to `command`; `flags` must outlive the parsing.
void AddSimFlags(CLI::App& command, SimFlags& flags);

// The first flag that was given and is about the simulated server, which a recording is not; empty
// if none was.
std::string SimulatingFlag(const CLI::App& command);

// Fails with kConfigError: values and combinations that make no sense, scripts and profiles that
// cannot be read.
Result<sim::SimOptions> SimOptionsOf(const SimFlags& flags);
Result<int> ThreadsOf(const SimFlags& flags);
Result<std::size_t> ReplicasOf(const SimFlags& flags);
Result<Duration> StartupDelayOf(const SimFlags& flags);

// What may not stand together, of --record, --upstream, --replay, --replicas and `simulating`, the
// flag of that name above.
Result<void> CheckRecording(const SimFlags& flags, const std::string& simulating);

}  // namespace weir::cli
