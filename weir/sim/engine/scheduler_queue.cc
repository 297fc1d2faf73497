#include <algorithm>
#include <set>

#include "weir/base/text.h"
#include "weir/sim/engine/scheduler_core.h"

namespace weir::sim {

Scheduler::Core::Admission Scheduler::Core::TryAdmit(Entry& entry) {
  const auto sequences = static_cast<std::size_t>(entry.request.sequences);
  const bool alone = running_requests_ == 0;
  if (!alone && running_sequences_ + sequences > options.max_num_seqs) return Admission::kFull;
  if (!AdapterFits(entry)) return Admission::kNoAdapterSlot;
  entry.lease.sequences = entry.request.sequences;
  entry.backed =
      cache_.Allocate(entry.request.prompt, entry.key, entry.request.reuse_prefix, entry.lease);
  if (entry.backed && entry.produced > 0 && !cache_.Grow(entry.lease, entry.produced)) {
    cache_.Free(entry.lease);
    entry.backed = false;
  }
  // What can never fit is let run with what there is.
  if (!entry.backed && !alone) return Admission::kFull;
  entry.computed = entry.backed ? entry.lease.cached_tokens : 0;
  if (!entry.prefilled()) entry.cached = entry.computed;
  if (options.cache.prefix_caching && entry.request.reuse_prefix) {
    metrics_.OnScheduled(entry.prompt_size(), entry.computed);
  }
  EnterRunning(entry);
  return Admission::kSeated;
}

void Scheduler::Core::AdmitWaiting() {
  if (paused() || closed()) return;
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    Entry& entry = *next->second;
    const Admission admission = TryAdmit(entry);
    if (admission == Admission::kFull) return;
    if (admission == Admission::kNoAdapterSlot) {
      ++next;
      continue;
    }
    next = waiting_.erase(next);
    waiting_sequences_ -= static_cast<std::size_t>(entry.request.sequences);
    Notify(entry);
  }
}

bool Scheduler::Core::AdapterFits(const Entry& entry) const {
  if (entry.request.adapter.empty() || adapters_.contains(entry.request.adapter)) return true;
  return adapters_.size() < std::max<std::size_t>(options.max_loras, 1);
}

void Scheduler::Core::EnterRunning(Entry& entry) {
  entry.state = State::kRunning;
  entry.before = last_;
  entry.after = nullptr;
  (last_ == nullptr ? first_ : last_->after) = &entry;
  last_ = &entry;
  ++running_requests_;
  running_sequences_ += static_cast<std::size_t>(entry.request.sequences);
  if (!entry.request.adapter.empty()) ++adapters_[entry.request.adapter];
}

void Scheduler::Core::LeaveRunning(Entry& entry) {
  (entry.before == nullptr ? first_ : entry.before->after) = entry.after;
  (entry.after == nullptr ? last_ : entry.after->before) = entry.before;
  entry.chunk = 0;
  --running_requests_;
  running_sequences_ -= static_cast<std::size_t>(entry.request.sequences);
  if (entry.request.adapter.empty()) return;
  const auto adapter = adapters_.find(entry.request.adapter);
  if (--adapter->second == 0) adapters_.erase(adapter);
}

// Takes a request out of everything and lets others in.
void Scheduler::Core::Remove(Entry& entry, State state) {
  const auto sequences = static_cast<std::size_t>(entry.request.sequences);
  if (entry.state == State::kRunning) LeaveRunning(entry);
  if (entry.state == State::kWaiting) {
    waiting_.erase(entry.order);
    waiting_sequences_ -= sequences;
  }
  cache_.Free(entry.lease);
  unfinished_sequences_ -= sequences;
  if (!entry.prefilled()) backlog_ -= entry.prompt_size();
  entry.state = state;
  if (waiting_.empty()) return;
  if (modelled()) {
    NotifyFirstWaiting();
  } else {
    AdmitWaiting();
  }
}

void Scheduler::Core::Notify(Entry& entry) {
  if (!entry.parked || entry.notified) return;
  entry.notified = true;
  entry.loop->Post([entry = entry.shared_from_this()] {
    if (entry->point != nullptr) entry->point->Notify();
  });
}

// The first of the queue moves the engine on when those that run do not.
void Scheduler::Core::NotifyFirstWaiting() {
  if (Entry* first = FirstParked()) Notify(*first);
}

Scheduler::Entry* Scheduler::Core::FirstParked() const {
  for (const auto& [order, entry] : waiting_) {
    if (entry->parked) return entry;
  }
  return nullptr;
}

void Scheduler::Core::Pause() {
  const std::scoped_lock lock(mutex_);
  paused_ = true;
  ForEachRunning([&](Entry& entry) {
    if (entry.own_clock) Notify(entry);
  });
}

void Scheduler::Core::Close() {
  const std::scoped_lock lock(mutex_);
  closed_ = true;
}

bool Scheduler::Core::drained() const {
  const std::scoped_lock lock(mutex_);
  return running_requests_ == 0 && std::ranges::none_of(waiting_, [](const auto& waiting) {
           return waiting.second->prefilled();  // it has lost its seat
         });
}

void Scheduler::Core::Resume() {
  const std::scoped_lock lock(mutex_);
  paused_ = closed_ = false;
  if (phase_ == Phase::kPending) phase_ = Phase::kIdle;
  if (modelled()) {
    NotifyFirstWaiting();
  } else {
    AdmitWaiting();
  }
  ForEachRunning([&](Entry& entry) { Notify(entry); });
}

std::int64_t Scheduler::Core::AbortAll() {
  const std::scoped_lock lock(mutex_);
  std::vector<Entry*> all;
  ForEachRunning([&](Entry& entry) { all.push_back(&entry); });
  for (const auto& [order, entry] : waiting_) all.push_back(entry);
  return AbortEntries(all);
}

std::int64_t Scheduler::Core::Abort(std::span<const std::string> ids) {
  const std::scoped_lock lock(mutex_);
  std::vector<Entry*> named;
  const auto add = [&](Entry& entry) {
    if (std::ranges::find(ids, entry.request.id) != ids.end()) named.push_back(&entry);
  };
  ForEachRunning(add);
  for (const auto& [order, entry] : waiting_) add(*entry);
  return AbortEntries(named);
}

// All leave the queue before anybody is let in.
std::int64_t Scheduler::Core::AbortEntries(std::span<Entry* const> entries) {
  const bool was_paused = paused_.exchange(true);
  for (Entry* entry : entries) {
    CountEnd(*entry, Ended::kAbort, entry->counted, entry->loop->Now());
    Remove(*entry, State::kAborted);
    Notify(*entry);
  }
  paused_ = was_paused;
  if (!modelled()) AdmitWaiting();
  return static_cast<std::int64_t>(entries.size());
}

void Scheduler::Core::ResetPrefixes() {
  const std::scoped_lock lock(mutex_);
  cache_.ResetPrefixes();
}

Metrics::Gauges Scheduler::Core::gauges() const {
  const std::scoped_lock lock(mutex_);
  Metrics::Gauges gauges;
  gauges.running = running_sequences_;
  gauges.waiting = waiting_sequences_;
  gauges.cache_usage = cache_.usage();
  std::vector<std::string> names;
  names.reserve(adapters_.size());
  for (const auto& [name, count] : adapters_) names.push_back(name);
  gauges.running_adapters = Join(names, ",");
  std::set<std::string> queued;
  for (const auto& [order, entry] : waiting_) {
    if (entry->request.adapter.empty()) continue;
    queued.insert(entry->request.adapter);
    if (!AdapterFits(*entry)) {
      gauges.deferred += static_cast<std::size_t>(entry->request.sequences);
    }
  }
  names.assign(queued.begin(), queued.end());
  gauges.waiting_adapters = Join(names, ",");
  return gauges;
}

}  // namespace weir::sim
