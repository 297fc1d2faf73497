#include <algorithm>
#include <cmath>

#include "weir/sim/engine/scheduler_core.h"

namespace weir::sim {
namespace {

// So much later than the end of a step, those who ran in it are not coming at once: the engine goes
// on without them, as a real one does.
constexpr Duration kGrace = std::chrono::milliseconds(2);

// Normal, cut at three times its width.
double Normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.Uniform()));
  return std::clamp(radius * std::cos(6.283185307179586 * random.Uniform()), -3.0, 3.0);
}

}  // namespace

// Brings the engine up to `now`.
void Scheduler::Core::Advance(TimePoint now) {
  for (;;) {
    if (phase_ == Phase::kActive && step_end_ <= now) CompleteStep();
    if (phase_ != Phase::kPending || now <= step_end_ + kGrace || paused()) return;
    PlanStep(step_end_, now);
  }
}

// Plans the step that begins at `since`, or now when the engine had nothing to do before.
void Scheduler::Core::PlanStep(TimePoint since, TimePoint now) {
  bool preempted = false;
  const std::int64_t budget = PlanRunning(options.max_num_batched_tokens, preempted);
  bool busy = false;
  ForEachRunning([&](const Entry& entry) { busy |= entry.chunk > 0; });
  const TimePoint start = busy && phase_ == Phase::kPending ? since : now;
  if (!preempted) PlanWaiting(budget, start);

  const Duration duration = DurationOfStep();
  phase_ = duration > Duration::zero() ? Phase::kActive : Phase::kIdle;
  step_end_ = start + duration;
}

// Gives those that run their share of the step; returns what is left of the budget.
std::int64_t Scheduler::Core::PlanRunning(std::int64_t budget, bool& preempted) {
  for (Entry* entry = first_; entry != nullptr;) {
    const std::int64_t chunk = std::min(entry->size() - entry->computed, budget);
    if (entry->own_clock || entry->chunk > 0 || chunk <= 0) {
      entry = entry->after;
      continue;
    }
    const std::size_t before = running_requests_;
    if (EnsureRoom(*entry, budget)) {
      entry->chunk = chunk;
      budget -= chunk;
      entry = entry->after;
    } else {
      entry = first_;  // it has lost its own seat; those behind it may have too
    }
    preempted |= running_requests_ < before;
  }
  return budget;
}

// Places for all tokens of the request; others, and in the end the request itself, are preempted.
bool Scheduler::Core::EnsureRoom(Entry& entry, std::int64_t& budget) {
  while (entry.backed && entry.lease.tokens < entry.size()) {
    if (cache_.Grow(entry.lease, entry.size() - entry.lease.tokens)) return true;
    Entry* victim = Victim();
    if (victim == &entry && StepsAlone(entry)) {
      entry.backed = false;  // nobody to take from: it runs with what there is
      return true;
    }
    budget += victim->chunk;
    Preempt(*victim);
    if (victim == &entry) return false;
  }
  return true;
}

// Whoever came last, or matters least. The caller runs, so there is one.
Scheduler::Entry* Scheduler::Core::Victim() const {
  Entry* victim = nullptr;
  for (Entry* entry = last_; entry != nullptr; entry = entry->before) {
    if (entry->own_clock) continue;
    if (victim == nullptr || (options.by_priority && entry->order > victim->order)) victim = entry;
    if (!options.by_priority) break;
  }
  return victim;
}

bool Scheduler::Core::StepsAlone(const Entry& entry) const {
  for (const Entry* other = first_; other != nullptr; other = other->after) {
    if (other != &entry && !other->own_clock) return false;
  }
  return true;
}

void Scheduler::Core::Preempt(Entry& entry) {
  LeaveRunning(entry);
  cache_.Free(entry.lease);
  entry.computed = 0;
  entry.state = State::kWaiting;
  waiting_.emplace(entry.order, &entry);
  waiting_sequences_ += static_cast<std::size_t>(entry.request.sequences);
  metrics_.OnPreempted();
}

void Scheduler::Core::PlanWaiting(std::int64_t budget, TimePoint start) {
  bool first_left = false;
  for (auto next = waiting_.begin(); next != waiting_.end() && budget > 0;) {
    Entry& entry = *next->second;
    if (closed() && !entry.prefilled()) {
      ++next;
      continue;
    }
    const Admission admission = TryAdmit(entry);
    if (admission == Admission::kFull) break;
    if (admission == Admission::kNoAdapterSlot) {
      ++next;
      continue;
    }
    first_left |= next == waiting_.begin();
    next = waiting_.erase(next);
    waiting_sequences_ -= static_cast<std::size_t>(entry.request.sequences);
    if (!entry.own_clock) {
      Seat(entry, start);
      entry.chunk = std::min(entry.size() - entry.computed, budget);
      budget -= entry.chunk;
    }
    Notify(entry);
  }
  if (first_left) NotifyFirstWaiting();
}

Duration Scheduler::Core::DurationOfStep() {
  std::int64_t prefill = 0;
  std::int64_t sequences = 0;
  std::int64_t context = 0;
  ForEachRunning([&](const Entry& entry) {
    if (entry.chunk == 0) return;
    // A decoding request computes the one token that it wrote last.
    if (entry.produced == 0 || entry.chunk > 1) prefill += entry.chunk;
    sequences += entry.request.sequences;
    context += entry.computed * entry.request.sequences;
  });
  if (sequences == 0) return {};
  const Latency& latency = options.latency;
  const Duration time =
      latency.step_base + prefill * latency.per_prefill_token + sequences * latency.per_sequence;
  double nanos = static_cast<double>(time.count()) +
                 static_cast<double>(context) * latency.per_context_token_ns;
  if (latency.jitter > 0) nanos *= std::max(0.1, 1 + latency.jitter * Normal(jitter_));
  return std::max(latency.Scaled(Duration(static_cast<std::int64_t>(nanos))), Duration(1));
}

void Scheduler::Core::CompleteStep() {
  phase_ = Phase::kPending;
  std::int64_t tokens = 0;
  ForEachRunning([&](Entry& entry) {
    if (entry.chunk == 0) return;
    const bool decodes = entry.produced > 0 && entry.chunk == 1;
    if (!decodes) tokens += entry.chunk;
    entry.computed += entry.chunk;
    entry.chunk = 0;
    if (entry.computed < entry.size()) return;
    tokens += entry.request.sequences;
    EmitToken(entry);
  });
  metrics_.OnSteps(tokens, 1);
}

void Scheduler::Core::EmitToken(Entry& entry) {
  if (entry.produced == 0) {
    backlog_ -= entry.prompt_size();
    entry.first_token = step_end_;
    metrics_.OnFirstToken(entry.prompt_size(), entry.cached, step_end_ - entry.arrived);
  } else {
    metrics_.OnNextTokens(step_end_ - entry.last_token, entry.request.sequences);
  }
  ++entry.produced;
  entry.last_token = step_end_;
  entry.ready.push_back(step_end_);
  if (entry.request.max_tokens > 0 && entry.produced >= entry.request.max_tokens) {
    LeaveRunning(entry);
    entry.state = State::kWritten;
  }
}

}  // namespace weir::sim
