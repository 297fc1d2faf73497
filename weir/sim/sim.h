#pragma once

// The simulator: a model server without a GPU. A small language model writes its answers, a
// scheduler gives them a server's pace, and the dialects of `wire` give them its words. What it
// says is decided by the seed and the request alone: never by the time, by the order of arrival or
// by the door the request came through. In process it is a model::Engine; NewSimHandler() puts the
// same thing behind HTTP.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/http/server.h"
#include "weir/model/engine.h"
#include "weir/sim/engine/scheduler.h"
#include "weir/sim/file_store.h"
#include "weir/sim/script.h"
#include "weir/wire/dialect.h"

namespace weir::sim {

// A LoRA adapter: a model name of its own.
struct Adapter {
  std::string name;
  std::string path;        // what /v1/models calls its root; empty: the name
  std::string base_model;  // what /v1/models calls its parent; empty: the first name of the model
};

struct SimModel {
  // What clients ask for. Replies name the first, whichever was asked for.
  std::vector<std::string> served_names = {"sim-model"};
  std::string root;                    // what /v1/models calls its root; empty: the first name
  std::int64_t max_model_len = 32768;  // tokens of prompt and answer together
  std::vector<Adapter> adapters;       // loaded from the start
  bool reasons = false;                // it thinks before it answers
};

// What vLLM does only when a flag asks for it.
struct ServerSwitches {
  bool auto_tool_choice = true;       // --enable-auto-tool-choice; without it, tools are refused
  bool prompt_tokens_details = true;  // --enable-prompt-tokens-details: cached_tokens in usage
  bool force_include_usage = false;   // --enable-force-include-usage
  bool request_id_headers = false;    // --enable-request-id-headers
  bool load_tracking = true;          // --enable-server-load-tracking: what /load says
  bool runtime_lora = true;           // VLLM_ALLOW_RUNTIME_LORA_UPDATING: load and unload
  bool lora = true;                   // --enable-lora: without it, loading an adapter fails
  bool sleep_mode = true;             // --enable-sleep-mode: without it, /sleep above level 0 fails
  bool dev_mode = true;               // VLLM_SERVER_DEV_MODE: sleep, pause, reset, abort
  bool responses_store = true;        // VLLM_ENABLE_RESPONSES_API_STORE: fetch and cancel
  bool log_stats = true;              // --disable-log-stats
  std::int64_t max_logprobs = 20;     // --max-logprobs; -1: as many as there are
};

// Files and batches, where the server that is played has them.
struct BatchOptions {
  Duration window = std::chrono::hours(24);            // what the completion window "24h" lasts
  std::size_t in_flight = 16;                          // requests of all batches at once
  std::size_t max_requests = wire::kBatchRequests;     // of one batch
  std::size_t max_file_bytes = wire::kBatchFileBytes;  // of one upload
  std::size_t kept = 1000;  // batches that are remembered; more must not run
  FileStoreOptions files;   // of uploads and results
};

struct SimOptions {
  std::vector<SimModel> models = {SimModel()};  // calls that name no model get the first
  std::uint64_t seed = 0;                       // another seed is another model: other answers
  SchedulerOptions engine;                      // seats, cache and pace
  ServerSwitches switches;
  BatchOptions batches;
  bool ignore_constraints = false;  // as a server does that does not know a field
  bool deterministic = false;       // ids and times do not change from run to run either
  std::size_t max_embedding_dimensions = 1024;
  std::size_t logged_requests = 1000;  // that GET /sim/requests remembers

  wire::Dialect dialect;              // which server is played
  std::string server_version;         // what /version says; empty: the dialect's
  std::vector<std::string> api_keys;  // what guarded paths ask for; empty: open to everybody
  std::string models_path;            // a further path of /v1/models, as "/models"; empty: none
  Script script;                      // replies that are laid down; the rest is made up

  Result<void> Validate() const;
};

// One simulated server. Thread-safe: its doors may be used on many loops, which then share seats,
// cache and the counters of the script.
class SimCore;

// Fails with kConfigError when an option makes no sense. The core is shared by all of its doors,
// none of which outlives the others by rule.
Result<std::shared_ptr<SimCore>> NewSimCore(SimOptions options);

// The in-process door, of kind "sim". Errors are those that a client of the HTTP door would see.
// `name` is what its replies say of it.
std::unique_ptr<model::Engine> NewSimEngine(std::shared_ptr<SimCore> core,
                                            std::string name = "sim");

// The HTTP door: what the server of the dialect answers to a client. One handler may serve several
// loops.
std::unique_ptr<http::Handler> NewSimHandler(std::shared_ptr<SimCore> core);

}  // namespace weir::sim
