#pragma once

// Scheduler: who may run, and when a token is due. The only place where the simulator waits.
//
// Requests wait in order (of arrival, or of priority) for a seat and for room in the KV cache. How
// time passes is the pace's matter:
//   instant   no time at all; seats and cache are still kept and counted.
//   fixed     every request has its own clock: ttft, then itl per token, with jitter.
//   modelled  the engine works in steps, as vLLM does: a step prefills up to
//             max_num_batched_tokens prompt tokens (in chunks) and gives every running request one
//             token; it lasts longer the more it does. When the cache is full, the request that
//             came last, or matters least, loses its blocks and starts over (preemption).
//
// Nothing runs in the background: whoever waits moves the engine on when its step is over, so that
// an hour on a virtual clock takes a millisecond. Thread-safe; requests may live on many loops.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/sim/engine/kv_cache.h"
#include "weir/sim/engine/latency.h"
#include "weir/sim/engine/metrics.h"

namespace weir::sim {

struct SchedulerOptions {
  std::size_t max_num_seqs = 256;      // sequences that run at once
  std::size_t max_num_queued = 0;      // requests that may wait or run; 0: no limit; else a 503
  std::int64_t max_queued_tokens = 0;  // prompt tokens not yet computed; 0: no limit; else a 503
  std::int64_t max_num_batched_tokens = 8192;  // of one step
  std::size_t max_loras = 8;                   // different adapters that run at once
  bool by_priority = false;                    // lower numbers first; else order of arrival
  KvCacheOptions cache;
  Latency latency;
};

struct SequenceRequest {
  std::string id;  // what Abort() finds it by; need not be unique
  std::vector<TokenId> prompt;
  std::int64_t sequences = 1;   // answers to it that are written side by side (n)
  std::int64_t max_tokens = 0;  // most that each may write
  std::string adapter;          // empty: none
  std::string salt;
  std::int64_t priority = 0;
  std::uint64_t seed = 0;  // of its jitter
  bool reuse_prefix = true;
  // Laid down by a script, instead of the pace's. With either the request has its own clock at any
  // pace; the other one is then as with kFixed (nothing with kInstant).
  std::optional<Duration> ttft;
  std::optional<Duration> itl;
};

class Scheduler {
  struct Entry;
  class Core;

 public:
  // One request in the engine. Destroying it unfinished aborts it; any thread. It must not outlive
  // the scheduler. Its steps are all taken on one loop, one at a time.
  class Turn {
   public:
    Turn() = default;
    Turn(Turn&& other) noexcept = default;
    Turn& operator=(Turn&& other) noexcept;
    ~Turn() { Abandon(); }

    // Waits until the next token of every sequence may leave (the first call: until there is a
    // seat, the prompt is computed and the first token is due). False when the server has aborted
    // the request (Scheduler::AbortAll). Fails when the context ends.
    async::Task<Result<bool>> Step(async::Context ctx);
    // Whether Step() would return true at once, without the cost of asking: instant pace.
    bool instant() const;
    // Counts tokens that left since the last Step(), for instant pace, where one Step() may be
    // followed by many tokens.
    void Wrote(std::int64_t tokens);
    // `written` counts the tokens of all sequences. The next turn of the conversation finds
    // `answer` (what the first sequence wrote) in the cache. `each` says how every sequence ended;
    // empty: as the request did.
    void Finish(Ended ended, std::int64_t written, std::span<const TokenId> answer = {},
                std::span<const Ended> each = {});

    std::int64_t cached_tokens() const;
    Duration lateness() const;  // of the last Step(): how long after it was due the caller woke

   private:
    friend class Scheduler;
    Turn(Core* core, std::shared_ptr<Entry> entry) : core_(core), entry_(std::move(entry)) {}
    void Abandon();

    Core* core_ = nullptr;
    // Shared with notes on their way to the request's loop.
    std::shared_ptr<Entry> entry_;
  };

  // `metrics` must outlive the scheduler.
  Scheduler(const SchedulerOptions& options, Metrics& metrics);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Queues a request. Fails with kBudgetExceeded when one of the two limits is reached; the
  // message is vLLM's. It does not wait: the first Step() does.
  Result<Turn> Enter(const async::Context& ctx, SequenceRequest request);

  void Pause();  // requests are taken, none is run; those that run stand still
  void Close();  // requests are taken, none is begun; those that run go on
  void Resume();
  bool paused() const;      // or closed
  bool drained() const;     // nothing runs that was begun
  std::int64_t AbortAll();  // returns how many
  std::int64_t Abort(std::span<const std::string> ids);
  void ResetPrefixes();

  std::size_t running() const;  // sequences, as vLLM counts them
  std::size_t waiting() const;
  double cache_usage() const;
  Metrics::Gauges gauges() const;  // what of them is the scheduler's to know
  const SchedulerOptions& options() const;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace weir::sim
