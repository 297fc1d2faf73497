#pragma once

// What is inside the scheduler: the requests, their queue and the engine's steps. Everything but
// the waiting itself happens under one mutex.
//
// A step of the engine (modelled pace) is planned only when somebody has nothing left to read, and
// has let all others of its loop go first: so those that end with the last step's token have given
// up their seats, and those that come at the same moment are in it.

#include <atomic>
#include <map>
#include <mutex>

#include "weir/async/wait.h"
#include "weir/base/random.h"
#include "weir/sim/engine/scheduler.h"

namespace weir::sim {

// Lower goes first.
struct Order {
  std::int64_t priority = 0;
  std::uint64_t number = 0;  // of arrival

  friend auto operator<=>(const Order&, const Order&) = default;
};

struct Scheduler::Entry : std::enable_shared_from_this<Entry> {
  enum class State : std::uint8_t {
    kWaiting,
    kRunning,
    kWritten,  // the engine is done with it; what it wrote is still being read
    kAborted,
    kEnded,
  };

  SequenceRequest request;
  Order order;
  std::uint64_t key = 0;                       // of adapter and salt
  async::Loop* loop = nullptr;                 // whose clock counts
  std::atomic<State> state = State::kWaiting;  // instant() looks without the mutex
  bool own_clock = false;
  bool backed = false;  // has its places in the cache
  KvLease lease;
  std::int64_t cached = 0;

  TimePoint arrived;
  std::optional<TimePoint> seated;
  TimePoint first_token;
  TimePoint last_token;
  Duration lateness{};
  std::int64_t delivered = 0;  // steps that returned true
  std::int64_t wrote = 0;      // tokens told by Wrote()
  std::int64_t counted = 0;    // tokens in generation_tokens_total

  // Own clock: token i is due at first_due + i x itl.
  TimePoint first_due;
  Duration itl{};
  std::optional<TimePoint> held;  // since when it stands still

  // Modelled pace.
  std::int64_t computed = 0;     // tokens of prompt and answer with their keys and values
  std::int64_t produced = 0;     // tokens of each sequence
  std::int64_t chunk = 0;        // tokens of the step that is under way
  std::vector<TimePoint> ready;  // when the tokens came that nobody has read yet
  std::size_t next_ready = 0;

  // Under the mutex, but for `point`, which is touched on the loop only.
  async::WaitPoint* point = nullptr;
  bool parked = false;
  bool notified = false;

  Entry* before = nullptr;  // among the running
  Entry* after = nullptr;

  std::int64_t prompt_size() const { return static_cast<std::int64_t>(request.prompt.size()); }
  std::int64_t size() const { return prompt_size() + produced; }
  bool prefilled() const { return produced > 0 || delivered > 0; }
};

class Scheduler::Core {
 public:
  using State = Entry::State;

  Core(const SchedulerOptions& its_options, Metrics& metrics);

  Result<std::shared_ptr<Entry>> Enter(const async::Context& ctx, SequenceRequest request);
  async::Task<Result<bool>> Step(async::Context ctx, std::shared_ptr<Entry> entry);
  void Wrote(Entry& entry, std::int64_t tokens);
  void Finish(Entry& entry, Ended ended, std::int64_t written, std::span<const TokenId> answer,
              std::span<const Ended> each);
  void Pause();
  void Close();
  void Resume();
  bool drained() const;
  std::int64_t AbortAll();
  std::int64_t Abort(std::span<const std::string> ids);
  void ResetPrefixes();
  bool paused() const { return paused_.load(std::memory_order_relaxed); }
  bool closed() const { return closed_.load(std::memory_order_relaxed); }
  Metrics::Gauges gauges() const;

  const SchedulerOptions options;

 private:
  class Parking;
  // What Step() has to do next.
  struct Next {
    enum class Kind : std::uint8_t { kToken, kAborted, kWait, kLetOthersGo } kind;
    TimePoint until = kNever;
  };

  bool modelled() const { return options.latency.pace == Latency::Pace::kModelled; }

  // scheduler.cc: one request's way.
  Next Prepare(Entry& entry, const async::Context& ctx, bool let_others_go, Parking& parking);
  Next Look(Entry& entry, TimePoint now, bool let_others_go);
  Next LookByOwnClock(Entry& entry, TimePoint now);
  Next LookAtSteps(Entry& entry, TimePoint now, bool let_others_go);
  void Seat(Entry& entry, TimePoint now);
  void Deliver(Entry& entry, TimePoint due, TimePoint now);
  void CountEnd(const Entry& entry, Ended ended, std::int64_t written, TimePoint now,
                std::span<const Ended> each = {});

  // scheduler_queue.cc: seats and cache.
  enum class Admission : std::uint8_t { kSeated, kFull, kNoAdapterSlot };
  Admission TryAdmit(Entry& entry);
  void AdmitWaiting();  // not for modelled pace, where a step does it
  bool AdapterFits(const Entry& entry) const;
  void EnterRunning(Entry& entry);
  void LeaveRunning(Entry& entry);
  void Remove(Entry& entry, State state);
  void Notify(Entry& entry);
  std::int64_t AbortEntries(std::span<Entry* const> entries);
  void NotifyFirstWaiting();
  Entry* FirstParked() const;
  template <class Visit>
  void ForEachRunning(Visit visit) {
    for (Entry* entry = first_; entry != nullptr;) {
      Entry* after = entry->after;
      visit(*entry);
      entry = after;
    }
  }

  // scheduler_steps.cc: the engine of the modelled pace.
  void Advance(TimePoint now);
  void PlanStep(TimePoint since, TimePoint now);
  std::int64_t PlanRunning(std::int64_t budget, bool& preempted);
  void PlanWaiting(std::int64_t budget, TimePoint start);
  bool EnsureRoom(Entry& entry, std::int64_t& budget);
  Entry* Victim() const;
  bool StepsAlone(const Entry& entry) const;
  void Preempt(Entry& entry);
  Duration DurationOfStep();
  void CompleteStep();
  void EmitToken(Entry& entry);

  Metrics& metrics_;
  std::atomic<bool> paused_ = false;
  std::atomic<bool> closed_ = false;
  mutable std::mutex mutex_;
  KvCache cache_;
  std::map<Order, Entry*> waiting_;
  Entry* first_ = nullptr;  // running, in the order in which they got their seats
  Entry* last_ = nullptr;
  std::size_t running_requests_ = 0;
  std::size_t running_sequences_ = 0;
  std::size_t waiting_sequences_ = 0;
  std::size_t unfinished_sequences_ = 0;
  std::int64_t backlog_ = 0;  // prompt tokens of requests that have no first token yet
  std::map<std::string, std::size_t> adapters_;  // running requests of each
  std::uint64_t arrivals_ = 0;

  enum class Phase : std::uint8_t {
    kIdle,     // nothing to do, or nobody has asked yet
    kPending,  // a step has ended at step_end_ and the next one is not planned
    kActive,   // until step_end_
  } phase_ = Phase::kIdle;
  TimePoint step_end_;
  Random jitter_{0};
};

}  // namespace weir::sim
