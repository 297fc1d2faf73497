#pragma once

// weir.yaml and the environment, turned into typed options. Errors name file, line, column, key and
// remedy; unknown keys are errors. docs/configuration.md is made from the same description of the
// keys that the file is read by.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/env.h"
#include "weir/base/result.h"
#include "weir/engine/budget_engine.h"
#include "weir/engine/decorators.h"
#include "weir/engine/http_engine.h"
#include "weir/engine/managed/serve_command.h"
#include "weir/engine/registry.h"
#include "weir/http/client.h"
#include "weir/model/call.h"
#include "weir/sim/sim.h"
#include "weir/text/model_card.h"

namespace weir::config {

enum class Kind : std::uint8_t { kVllm, kOpenAi, kOllama, kSim };

std::string_view KindName(Kind kind);  // as the file has it: "vllm", "openai", ...

// Named defaults. Unset fields leave the next layer's value.
struct Profile {
  std::string name;
  model::Sampling sampling;               // max_tokens, temperature, ...
  std::optional<Duration> call_timeout;   // the clock `total` of a call
  std::optional<Duration> run_timeout;    // of a row, all its calls together
  std::optional<std::int64_t> max_turns;  // of an agent
  std::optional<std::int64_t> concurrency;
};

// A LoRA adapter that may be loaded on demand.
struct AdapterConfig {
  std::string name;
  std::string path;  // on the server; empty: it must be there already
};

// How the state of an engine is watched where a process lives long.
struct HealthConfig {
  Duration interval = std::chrono::seconds(30);  // between checks; zero: only failures count
  Duration timeout = std::chrono::seconds(10);   // of one check
};

struct EngineConfig {
  std::string name = "default";
  Kind kind = Kind::kVllm;
  engine::HttpEngineOptions http;     // all but kSim
  sim::SimOptions sim;                // kSim
  std::string sim_scenario;           // kSim: the file of its script; empty: none
  int priority = 100;                 // lower is preferred
  std::vector<std::string> fallback;  // names of engines, tried in order
  std::vector<std::string> roles;     // routes that this engine joins
  std::string profile;                // whose defaults lie below its own; empty: none
  engine::RetryRule retry;
  engine::LimitOptions limits;
  engine::BreakerOptions breaker;
  engine::VerifyOptions verify;  // `structured:`
  // A JSON schema is asked for as a plain json_object (and checked here), for servers that know no
  // more.
  bool only_json_object = false;
  bool guided_json = true;  // false: constraints are not sent, answers are only checked
  HealthConfig health;
  engine::DebugLevel debug = engine::DebugLevel::kOff;
  std::size_t debug_truncate = 180;
  http::TlsOptions tls;
  model::Sampling defaults;                    // for what a call leaves open
  std::int64_t max_logprobs = 20;              // more are refused before anything is sent
  std::optional<std::int64_t> context_window;  // unset: what the server says
  std::vector<AdapterConfig> adapters;
  std::string adapter_fallback = "base";  // a missing adapter: "base" model with a warning, "error"
  bool load_adapters = true;              // those that have a path, when they are first needed
  std::vector<std::string> replicas;      // further servers of this engine, which need adapters too
  std::optional<text::ToolMode> tool_mode;  // unset: what the model's card says
  engine::Prices prices;
  model::ConfidenceRule confidence;           // of calls that have none of their own
  std::optional<engine::ServeOptions> serve;  // how a server of its own is started
  // That server is used: there is no address of another one. Its own is not known before a port is
  // chosen, unless the port is fixed.
  bool managed = false;
  std::optional<Error> unusable;  // why this engine cannot be used, told when somebody wants to
};

struct EventsConfig {
  std::string file;      // JSON lines; empty: none are written
  bool payloads = true;  // messages and answers in debug events
  std::int64_t max_payload_chars = 4000;
  bool deltas = false;                // the pieces of streams, too
  std::string control_file;           // while it holds "off", nothing is written; empty: none
  std::int64_t max_bytes = 64 << 20;  // a larger file is rotated
  std::int64_t keep = 5;              // rotated files that stay
  std::string metrics_file;           // Prometheus' text format, written at the end; empty: none
  std::string otlp;                   // base URL of an OpenTelemetry collector; empty: none
  std::map<std::string, std::string> otlp_headers;
};

struct JobsConfig {
  std::string store;  // "sqlite:FILE" or "postgres://..."; empty: weir-jobs.db in this folder
};

// Where a value came from, for `weir config show`.
struct Origin {
  std::string pointer;  // into the effective configuration: /engines/qwen/retry/max_retries
  std::string source;   // "weir.yaml:12:5", "$VLLM_MODEL", "profile chain", "default"
};

struct Config {
  std::vector<EngineConfig> engines;
  std::map<std::string, Profile, std::less<>> profiles;  // the built-in ones and the file's
  engine::RouteTable routes;
  EventsConfig events;
  JobsConfig jobs;
  std::optional<std::int64_t> max_in_flight;  // calls at once over all engines; unset: no limit
  engine::SharedBudgetOptions budget;         // what one process may spend
  std::string model_cards;         // a file with cards of models; empty: the built-in ones
  std::string default_engine;      // what calls without -e use
  json::Value flows;               // read by module flow
  json::Value worker;              // read by cli/jobs_work.cc
  json::Value gateway;             // checked by its schema, and kept for whoever serves one
  std::string file;                // where it came from; empty: no file was found
  std::vector<Origin> origins;     // of what is not a default
  std::vector<std::string> notes;  // what was read in an older spelling, said once

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
// An address of OpenAI's, and Ollama's port 11434, are known for their kind.
Result<EngineConfig> ResolveEngine(const Config& config, std::string_view name, const Env& env);

}  // namespace weir::config
