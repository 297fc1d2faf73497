#pragma once

// How a server is started: the options of `serve:` and the command line and environment that they
// stand for.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/env.h"

namespace weir::engine {

struct ServeOptions {
  enum class Lifecycle : std::uint8_t {
    kLazy,        // started at the first need, stopped behind the last
    kPersistent,  // started before everything, stopped behind everything
  };

  Lifecycle lifecycle = Lifecycle::kLazy;
  std::optional<std::int64_t> port;  // unset: from 8000 on, the first that will do
  Duration startup_timeout = std::chrono::seconds(120);  // until it answers
  Duration stop_timeout = std::chrono::seconds(10);      // from SIGTERM to SIGKILL

  // Flags of `vllm serve` by their own names; what is not set is not given.
  std::string dtype;
  std::optional<double> gpu_memory_utilization;
  std::optional<std::int64_t> max_model_len;
  std::optional<std::int64_t> tensor_parallel;
  std::string reasoning_parser;
  bool enable_reasoning = false;
  bool dynamic_lora = false;       // adapters may be loaded while it runs
  std::vector<std::string> flags;  // behind all others, as they are

  std::string gpu_ids;                     // "0,1": CUDA_VISIBLE_DEVICES
  std::map<std::string, std::string> env;  // of the server only; wins over everything

  // Another program than `vllm serve MODEL --port PORT`; {model}, {port} and {host} stand for
  // themselves, in `env` too.
  std::vector<std::string> command;
  std::string health = "/health";  // answers 200 when it is ready; a server may lack the usual one
};

struct ServeCommand {
  std::vector<std::string> argv;
  Env env;
  std::vector<std::string> warnings;  // what is given twice
};

// Where servers are asked; what they listen on is theirs to say.
inline constexpr std::string_view kServerHost = "127.0.0.1";

// `parent` is the environment of this process. The server gets all of it but the variables that
// tell a client of vLLM where to go, some of which mean something else to a server.
ServeCommand BuildServeCommand(const ServeOptions& options, const std::string& model,
                               std::int64_t port, const Env& parent);

// The value of --name in a list of flags, the last where there are several; dashes and underscores
// are the same, as to vLLM. The value may stand behind "=" or in the next item.
std::optional<std::string> FlagValue(std::span<const std::string> flags, std::string_view name);

// The port that options or flags fix.
std::optional<std::int64_t> FixedPort(const ServeOptions& options);

// What the server will call the model.
std::string ServedModel(const ServeOptions& options, const std::string& model);

}  // namespace weir::engine
