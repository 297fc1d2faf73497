#pragma once

// weir.yaml and the environment, turned into typed options. Errors name file, line, column, key and
// remedy; unknown keys are errors.

#include <optional>
#include <string>
#include <vector>

#include "weir/base/env.h"
#include "weir/base/result.h"
#include "weir/engine/decorators.h"
#include "weir/engine/http_engine.h"
#include "weir/http/client.h"
#include "weir/model/call.h"
#include "weir/sim/sim.h"

namespace weir::config {

enum class Kind : std::uint8_t { kVllm, kSim };

struct EngineConfig {
  std::string name = "default";
  Kind kind = Kind::kVllm;
  engine::HttpEngineOptions http;  // kVllm
  sim::SimOptions sim;             // kSim
  engine::RetryRule retry;
  engine::LimitOptions limits;
  http::TlsOptions tls;
  model::Sampling defaults;       // for what a call leaves open
  std::optional<Error> unusable;  // why this engine cannot be used, told when somebody wants to
};

struct Config {
  std::vector<EngineConfig> engines;
  std::string default_engine;  // what calls without -e use
  std::string file;            // where it came from; empty: no file was found

  const EngineConfig* Find(std::string_view name) const;
};

// Reads the first of: `file` (from --config), $WEIR_CONFIG, ./weir.yaml,
// $HOME/.config/weir/weir.yaml; a file that was named must exist. Without any, there is one engine
// at http://localhost:8000. VLLM_BASE_URL, VLLM_MODEL, VLLM_API_KEY and the other client variables
// then override the default engine.
Result<Config> Load(const std::string& file, const Env& env);

// The same from a text. `file_name` is for messages.
Result<Config> Parse(std::string_view text, std::string_view file_name, const Env& env);

// The engine that -e names: one of the file's, "sim" for the embedded simulator, or an address
// ("http://...", "https://...", "unix:...", "host:port"). Empty: the default engine. The path of
// an endpoint behind /v1 is dropped from its address, and a relative socket path is made absolute.
Result<EngineConfig> ResolveEngine(const Config& config, std::string_view name, const Env& env);

}  // namespace weir::config
