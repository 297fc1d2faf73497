#pragma once

// The simulator: a model server without a model. It answers in sentences, at a model's pace and
// with a model server's words, and what it says is decided by the seed and the request alone:
// never by the time, by the order of arrival or by the door the request came through. In process it
// is a model::Engine; NewSimHandler() puts the same thing behind HTTP.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/clock.h"
#include "weir/http/server.h"
#include "weir/model/engine.h"
#include "weir/sim/script.h"
#include "weir/wire/dialect.h"

namespace weir::sim {

// A latency, drawn evenly between its ends.
struct Spread {
  Duration least{};
  Duration most{};

  static constexpr Spread Fixed(Duration time) { return {time, time}; }
};

struct SimModel {
  // What clients ask for. Replies name the first, whichever was asked for.
  std::vector<std::string> served_names = {"sim-model"};
  std::string root;                    // what /v1/models calls its root; empty: the first name
  std::int64_t max_model_len = 32768;  // tokens of prompt and answer together
  std::vector<std::string> adapters;   // LoRA adapters, each a model name of its own
};

struct SimOptions {
  std::vector<SimModel> models = {SimModel()};  // calls that name no model get the first
  std::uint64_t seed = 0;                       // another seed is another model: other answers

  // Until the first token, counted from when the request was let in; `--ttft` fixes it.
  Spread ttft = {std::chrono::milliseconds(50), std::chrono::milliseconds(200)};
  // Between two tokens; `--itl` fixes it.
  Spread itl = {std::chrono::milliseconds(20), std::chrono::milliseconds(50)};
  double time_scale = 1;  // multiplies both, and the waits of a script; 0.1 is ten times faster
  bool instant = false;   // no latency at all, but what a script asks for
  std::size_t max_num_seqs = 256;   // requests that run at once; the rest wait in order
  std::size_t max_waiting = 65536;  // requests that may wait; one more gets a 503

  wire::Dialect dialect;       // which server is played
  std::string server_version;  // what /version says; empty: the dialect's
  std::string api_key;         // what guarded paths ask for; empty: open to everybody
  Script script;               // replies that are laid down; the rest is made up

  Result<void> Validate() const;
};

// One simulated server. Thread-safe: its doors may be used on many loops, which then share the
// places of max_num_seqs and the counters of the script.
class SimCore;

// Fails with kConfigError when an option makes no sense. The core is shared by all of its doors,
// none of which outlives the others by rule.
Result<std::shared_ptr<SimCore>> NewSimCore(SimOptions options);

// The in-process door, of kind "sim". Errors are those that a client of the HTTP door would see.
std::unique_ptr<model::Engine> NewSimEngine(std::shared_ptr<SimCore> core);

// The HTTP door: what a vLLM server answers to a client. One handler may serve several loops.
std::unique_ptr<http::Handler> NewSimHandler(std::shared_ptr<SimCore> core);

}  // namespace weir::sim
