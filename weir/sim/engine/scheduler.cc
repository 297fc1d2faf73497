#include "weir/sim/engine/scheduler.h"

#include <algorithm>

#include "weir/sim/engine/scheduler_core.h"

namespace weir::sim {
namespace {

// Streams with their own clocks share the ticks of their loop, so that one timer wakes many.
constexpr Duration kTick = std::chrono::microseconds(500);

// The first of the queue looks so long after a step whether anybody moves the engine on.
constexpr Duration kWatch = std::chrono::milliseconds(5);

TimePoint TickAfter(TimePoint at) {
  const Duration past = at.time_since_epoch() % kTick;
  return past == Duration::zero() ? at : at + (kTick - past);
}

std::uint64_t KeyOf(const SequenceRequest& request) {
  if (request.adapter.empty() && request.salt.empty()) return 0;
  const std::uint64_t adapter = StableHash(request.adapter.data(), request.adapter.size());
  return StableHash(request.salt.data(), request.salt.size(), adapter);
}

}  // namespace

// Where a caller of Step() waits. Leaves no trace of itself when the caller is destroyed.
class Scheduler::Core::Parking {
 public:
  Parking(Core& core, Entry& entry) : core_(core), entry_(entry) {}
  ~Parking() { Leave(); }
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  // With the mutex held.
  void Park(const async::Context& ctx) {
    point_.emplace(ctx);
    entry_.loop = ctx.loop;
    entry_.point = &*point_;
    entry_.parked = true;
    entry_.notified = false;
  }

  void Leave() {
    if (!point_) return;
    {
      const std::scoped_lock lock(core_.mutex_);
      entry_.parked = false;
    }
    entry_.point = nullptr;
    point_.reset();
  }

  async::WaitPoint& point() { return *point_; }

 private:
  Core& core_;
  Entry& entry_;
  std::optional<async::WaitPoint> point_;
};

Scheduler::Core::Core(const SchedulerOptions& its_options, Metrics& metrics)
    : options(its_options), metrics_(metrics), cache_(options.cache) {}

Result<std::shared_ptr<Scheduler::Entry>> Scheduler::Core::Enter(const async::Context& ctx,
                                                                 SequenceRequest request) {
  auto entry = std::make_shared<Entry>();
  entry->request = std::move(request);
  entry->request.sequences = std::max<std::int64_t>(entry->request.sequences, 1);
  // Nothing can be computed from nothing.
  if (entry->request.prompt.empty()) {
    entry->request.prompt.push_back(static_cast<TokenId>(Special::kTextEnd));
  }
  entry->key = KeyOf(entry->request);
  entry->loop = ctx.loop;
  entry->arrived = ctx.Now();
  entry->own_clock =
      options.latency.pace == Latency::Pace::kFixed || entry->request.ttft || entry->request.itl;
  const auto sequences = static_cast<std::size_t>(entry->request.sequences);

  const std::scoped_lock lock(mutex_);
  if (options.max_num_queued > 0 && unfinished_sequences_ + sequences > options.max_num_queued) {
    return Fail(Code::kBudgetExceeded,
                "The engine is currently busy and cannot accept new requests. Please try again "
                "later or on a different instance.");
  }
  if (options.max_queued_tokens > 0 && backlog_ >= options.max_queued_tokens) {
    return Fail(Code::kBudgetExceeded,
                "The engine has reached its prefill token backlog limit. Please try again later or "
                "on a different instance.");
  }
  if (modelled()) Advance(entry->arrived);
  entry->order = {.priority = options.by_priority ? entry->request.priority : 0,
                  .number = ++arrivals_};
  unfinished_sequences_ += sequences;
  backlog_ += entry->prompt_size();
  if (!modelled() && waiting_.empty() && !paused() && !closed() &&
      TryAdmit(*entry) == Admission::kSeated) {
    Seat(*entry, entry->arrived);
    return entry;
  }
  waiting_.emplace(entry->order, entry.get());
  waiting_sequences_ += sequences;
  if (!modelled()) AdmitWaiting();
  return entry;
}

async::Task<Result<bool>> Scheduler::Core::Step(async::Context ctx, std::shared_ptr<Entry> entry) {
  if (ctx.cancelled()) co_return Fail(async::CancelledError());
  Parking parking(*this, *entry);
  bool let_others_go = false;
  for (;;) {
    const Next next = Prepare(*entry, ctx, let_others_go, parking);
    if (next.kind == Next::Kind::kToken) co_return true;
    if (next.kind == Next::Kind::kAborted) co_return false;
    if (ctx.deadline <= ctx.Now()) co_return Fail(async::TotalTimeoutError(ctx));
    const TimePoint until = std::min(next.until, ctx.deadline);
    const async::Wake wake = co_await parking.point().Wait(until);
    parking.Leave();
    if (wake == async::Wake::kCancelled) co_return Fail(async::CancelledError());
    let_others_go = next.kind == Next::Kind::kLetOthersGo;
  }
}

Scheduler::Core::Next Scheduler::Core::Prepare(Entry& entry, const async::Context& ctx,
                                               bool let_others_go, Parking& parking) {
  const std::scoped_lock lock(mutex_);
  const TimePoint now = ctx.Now();
  Next next = Look(entry, now, let_others_go);
  if (next.kind == Next::Kind::kLetOthersGo) next.until = now;
  if (next.kind == Next::Kind::kWait || next.kind == Next::Kind::kLetOthersGo) parking.Park(ctx);
  return next;
}

Scheduler::Core::Next Scheduler::Core::Look(Entry& entry, TimePoint now, bool let_others_go) {
  if (entry.state == State::kAborted || entry.state == State::kEnded) {
    return {.kind = Next::Kind::kAborted};
  }
  if (modelled()) return LookAtSteps(entry, now, let_others_go);
  if (entry.state == State::kWaiting) return {.kind = Next::Kind::kWait};
  if (!entry.seated) Seat(entry, now);
  return LookByOwnClock(entry, now);
}

Scheduler::Core::Next Scheduler::Core::LookByOwnClock(Entry& entry, TimePoint now) {
  if (paused()) {
    if (!entry.held) entry.held = now;
    return {.kind = Next::Kind::kWait};
  }
  if (entry.held) {
    entry.first_due += now - *entry.held;
    entry.held.reset();
  }
  const TimePoint due = entry.own_clock ? entry.first_due + entry.delivered * entry.itl : now;
  if (now < due) return {.kind = Next::Kind::kWait, .until = TickAfter(due)};
  if (entry.delivered == 0) {
    backlog_ -= entry.prompt_size();
    entry.first_token = now;
    metrics_.OnFirstToken(entry.prompt_size(), entry.cached, now - entry.arrived);
    metrics_.OnSteps(entry.prompt_size() - entry.cached + entry.request.sequences, 1);
  } else {
    metrics_.OnNextTokens(now - entry.last_token, entry.request.sequences);
    metrics_.OnSteps(entry.request.sequences, 1);
    if (entry.backed) cache_.Grow(entry.lease, 1);
  }
  entry.last_token = now;
  Deliver(entry, due, now);
  return {.kind = Next::Kind::kToken};
}

Scheduler::Core::Next Scheduler::Core::LookAtSteps(Entry& entry, TimePoint now,
                                                   bool let_others_go) {
  Advance(now);
  if (entry.own_clock && entry.state == State::kRunning) {
    if (!entry.seated) Seat(entry, now);
    return LookByOwnClock(entry, now);
  }
  if (entry.next_ready < entry.ready.size()) {
    Deliver(entry, entry.ready[entry.next_ready++], now);
    if (entry.next_ready == entry.ready.size()) {
      entry.ready.clear();
      entry.next_ready = 0;
    }
    return {.kind = Next::Kind::kToken};
  }
  if (entry.state == State::kWritten) return {.kind = Next::Kind::kToken};  // asked for too many
  if (phase_ != Phase::kActive && !paused()) {
    if (!let_others_go) return {.kind = Next::Kind::kLetOthersGo};
    PlanStep(step_end_, now);
    if (entry.own_clock && entry.state == State::kRunning) return LookAtSteps(entry, now, true);
  }
  if (phase_ != Phase::kActive) return {.kind = Next::Kind::kWait};
  if (entry.state == State::kRunning) return {.kind = Next::Kind::kWait, .until = step_end_};
  const Entry* first = FirstParked();
  const bool watches = first == nullptr || first->order > entry.order;
  return {.kind = Next::Kind::kWait, .until = watches ? step_end_ + kWatch : kNever};
}

// The request has got its seat; its own clock, if it has one, begins to run.
void Scheduler::Core::Seat(Entry& entry, TimePoint now) {
  if (!entry.seated) entry.seated = std::max(now, entry.arrived);
  if (!entry.own_clock) return;
  const Latency& latency = options.latency;
  Random random(entry.request.seed);
  Duration ttft{};
  if (latency.pace != Latency::Pace::kInstant) {
    ttft = latency.ttft.Draw(random);
    entry.itl = latency.itl.Draw(random);
  }
  ttft += (entry.prompt_size() - entry.cached) * latency.per_prompt_token;
  ttft = latency.Scaled(entry.request.ttft.value_or(ttft));
  entry.itl = latency.Scaled(entry.request.itl.value_or(entry.itl));
  entry.first_due = now + ttft;
}

void Scheduler::Core::Deliver(Entry& entry, TimePoint due, TimePoint now) {
  ++entry.delivered;
  entry.lateness = now - due;
  // Sequences end at different times: the rest is counted when all have.
  ++entry.counted;
  metrics_.OnGenerated(1);
}

void Scheduler::Core::Wrote(Entry& entry, std::int64_t tokens) {
  metrics_.OnGenerated(tokens);
  const std::scoped_lock lock(mutex_);
  entry.wrote += tokens;
  entry.counted += tokens;
  if (!entry.backed || entry.state != State::kRunning) return;
  const std::int64_t missing = entry.prompt_size() +
                               (entry.delivered + entry.wrote) / entry.request.sequences -
                               entry.lease.tokens;
  if (missing > 0) cache_.Grow(entry.lease, missing);
}

void Scheduler::Core::Finish(Entry& entry, Ended ended, std::int64_t written,
                             std::span<const TokenId> answer, std::span<const Ended> each) {
  const TimePoint now = entry.loop->Now();
  const std::scoped_lock lock(mutex_);
  if (entry.state == State::kAborted || entry.state == State::kEnded) return;
  if (entry.wrote > 0) {
    metrics_.OnNextTokens((now - entry.last_token) / entry.wrote, entry.wrote);
    metrics_.OnSteps(entry.request.sequences, entry.wrote);
    entry.last_token = now;
  }
  if (written > entry.counted) metrics_.OnGenerated(written - entry.counted);
  if (entry.backed && !answer.empty()) cache_.Keep(entry.lease, entry.request.prompt, answer);
  CountEnd(entry, ended, written, now, each);
  Remove(entry, State::kEnded);
}

void Scheduler::Core::CountEnd(const Entry& entry, Ended ended, std::int64_t written, TimePoint now,
                               std::span<const Ended> each) {
  const std::int64_t sequences = entry.request.sequences;
  Metrics::Ending ending{.how = ended,
                         .each = each,
                         .prompt_tokens = entry.prompt_size(),
                         .computed_tokens = entry.prompt_size() - entry.cached,
                         .written = written,
                         .longest = sequences == 1 ? written : entry.delivered + entry.wrote,
                         .sequences = sequences,
                         .max_tokens = entry.request.max_tokens,
                         .started = entry.prefilled(),
                         .total = std::max(now, entry.last_token) - entry.arrived};
  if (ending.started && entry.seated) {
    ending.queued = *entry.seated - entry.arrived;
    ending.prefill = entry.first_token - *entry.seated;
    ending.decode = entry.last_token - entry.first_token;
  }
  metrics_.OnEnded(ending);
}

Scheduler::Turn& Scheduler::Turn::operator=(Turn&& other) noexcept {
  if (this != &other) {
    Abandon();
    core_ = other.core_;
    entry_ = std::move(other.entry_);
  }
  return *this;
}

void Scheduler::Turn::Abandon() {
  if (entry_ == nullptr) return;
  core_->Finish(*entry_, Ended::kAbort, entry_->counted, {}, {});
  entry_.reset();
}

async::Task<Result<bool>> Scheduler::Turn::Step(async::Context ctx) {
  return core_->Step(ctx, entry_);
}

bool Scheduler::Turn::instant() const {
  return entry_ != nullptr && !entry_->own_clock &&
         core_->options.latency.pace == Latency::Pace::kInstant && !core_->paused() &&
         entry_->state == Entry::State::kRunning;
}

void Scheduler::Turn::Wrote(std::int64_t tokens) { core_->Wrote(*entry_, tokens); }

void Scheduler::Turn::Finish(Ended ended, std::int64_t written, std::span<const TokenId> answer,
                             std::span<const Ended> each) {
  core_->Finish(*entry_, ended, written, answer, each);
}

std::int64_t Scheduler::Turn::cached_tokens() const { return entry_->cached; }
Duration Scheduler::Turn::lateness() const { return entry_->lateness; }

Scheduler::Scheduler(const SchedulerOptions& options, Metrics& metrics)
    : core_(std::make_unique<Core>(options, metrics)) {}
Scheduler::~Scheduler() = default;

Result<Scheduler::Turn> Scheduler::Enter(const async::Context& ctx, SequenceRequest request) {
  WEIR_TRY(std::shared_ptr<Entry> entry, core_->Enter(ctx, std::move(request)));
  return Turn(core_.get(), std::move(entry));
}

void Scheduler::Pause() { core_->Pause(); }
void Scheduler::Close() { core_->Close(); }
void Scheduler::Resume() { core_->Resume(); }
bool Scheduler::paused() const { return core_->paused() || core_->closed(); }
bool Scheduler::drained() const { return core_->drained(); }
std::int64_t Scheduler::AbortAll() { return core_->AbortAll(); }
std::int64_t Scheduler::Abort(std::span<const std::string> ids) { return core_->Abort(ids); }
void Scheduler::ResetPrefixes() { core_->ResetPrefixes(); }
std::size_t Scheduler::running() const { return core_->gauges().running; }
std::size_t Scheduler::waiting() const { return core_->gauges().waiting; }
double Scheduler::cache_usage() const { return core_->gauges().cache_usage; }
Metrics::Gauges Scheduler::gauges() const { return core_->gauges(); }
const SchedulerOptions& Scheduler::options() const { return core_->options; }

}  // namespace weir::sim
