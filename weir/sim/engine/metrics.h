#pragma once

// Metrics: what GET /metrics of a vLLM server says, with its names, types, labels and buckets,
// counted by the scheduler as things happen. Thread-safe; a count costs an atomic addition or two.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/clock.h"
#include "weir/sim/engine/kv_cache.h"
#include "weir/wire/dialect.h"

namespace weir::sim {

// How a request ended, for the counters.
enum class Ended : std::uint8_t { kStop, kLength, kAbort, kError, kRepetition };

struct MetricsOptions {
  std::string model_name = "sim-model";  // the first served name
  std::string engine = "0";              // rank, as a label
  wire::Dialect dialect;                 // names that a version does not have are left out
  std::int64_t max_model_len = 32768;    // bounds the token histograms
  KvCacheOptions cache;                  // shown by cache_config_info
  std::size_t max_loras = 0;             // shown by lora_requests_info; 0: adapters are off
  std::int64_t created_wall_nanos = 0;   // shown by the `_created` series; 0: they are left out
};

class Metrics {
 public:
  explicit Metrics(MetricsOptions options);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A request got its seat; so much of its prompt was looked up and found in the prefix cache.
  void OnScheduled(std::int64_t looked_up, std::int64_t found);
  // Its prompt is computed and its first token is there, `ttft` after it arrived.
  void OnFirstToken(std::int64_t prompt_tokens, std::int64_t cached_tokens, Duration ttft);
  // `tokens` further tokens came, each `itl` after the one before it.
  void OnNextTokens(Duration itl, std::int64_t tokens);
  void OnGenerated(std::int64_t tokens);
  // `steps` steps of the engine ended, each of so many prompt and answer tokens.
  void OnSteps(std::int64_t tokens, std::int64_t steps);
  void OnPreempted();

  struct Ending {
    Ended how = Ended::kStop;
    std::span<const Ended> each;  // of its sequences; empty: all as `how`
    std::int64_t prompt_tokens = 0;
    std::int64_t computed_tokens = 0;  // of the prompt, not found in the cache
    std::int64_t written = 0;          // tokens of all sequences
    std::int64_t longest = 0;          // tokens of the longest sequence
    std::int64_t sequences = 1;
    std::int64_t max_tokens = 0;
    bool started = false;  // the four times below mean something
    Duration total{};      // since it arrived
    Duration queued{};     // until it got its seat
    Duration prefill{};    // until its first token
    Duration decode{};     // from its first to its last token
  };
  void OnEnded(const Ending& ending);

  // An HTTP request was answered. `handler` is the pattern of a route, "none" for unknown paths.
  void OnHttp(std::string_view handler, std::string_view method, int status, Duration time);

  // Of this process, when it is to be shown.
  struct Process {
    double start_seconds = 0;  // since 1970
    double cpu_seconds = 0;
    double virtual_bytes = 0;
    double resident_bytes = 0;
    double open_fds = 0;
    double max_fds = 0;
  };

  // The state of the moment.
  struct Gauges {
    std::size_t running = 0;
    std::size_t waiting = 0;   // deferred ones too
    std::size_t deferred = 0;  // wait for something else than room, such as a slot for an adapter
    double cache_usage = 0;
    std::string running_adapters;  // names with commas between them
    std::string waiting_adapters;
    int sleep_level = 0;          // 0 awake, 1 weights offloaded, 2 all discarded
    std::int64_t wall_nanos = 0;  // now
    std::optional<Process> process;
  };

  // The text of /metrics, version 0.0.4.
  std::string Text(const Gauges& gauges) const;

 private:
  struct Series;
  std::unique_ptr<Series> series_;
};

// Read from the operating system; what it does not tell stays zero.
Metrics::Process ProcessNow();

}  // namespace weir::sim
