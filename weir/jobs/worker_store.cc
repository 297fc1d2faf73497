// A worker and its store: results, leases, and a store that is away.

#include <algorithm>
#include <utility>

#include "weir/async/off_loop.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/jobs/worker_core.h"

namespace weir::jobs {
namespace {

using async::Context;
using async::Task;

constexpr Duration kIdle = std::chrono::seconds(5);
constexpr Duration kFirstStoreWait = std::chrono::milliseconds(100);  // for a store that is away
constexpr Duration kLastStoreWait = std::chrono::seconds(5);

// The store was reached, and does not take what it was given. Whatever else it says may be over
// later, and a result waits for that.
bool IsRefused(const Error& error) { return error.code == Code::kInvalidRequest; }

}  // namespace

Task<void> Worker::Core::DeliverAll(Context ctx) {
  Duration wait = kFirstStoreWait;
  while (!finishing_ || !done_.empty()) {
    if (done_.empty()) {
      co_await bell_.Wait(ctx, kIdle);
      continue;
    }
    std::vector<Done> batch = std::exchange(done_, {});
    std::erase_if(batch, [this](const Done& done) {
      if (done.worker == worker_) return false;
      ++figures_.queues[done.post->index].lost;
      return true;
    });
    if (batch.empty()) continue;
    delivering_ = batch.size();
    const Result<void> delivered = co_await Deliver(ctx, batch);
    delivering_ = 0;
    if (delivered) {
      wait = kFirstStoreWait;
      bell_.Ring();
      continue;
    }
    StoreFailed(ctx, delivered.error());
    // At the end the answers are in the journal, for whoever claims the jobs next.
    if (finishing_) co_return;
    done_.insert(done_.begin(), std::make_move_iterator(batch.begin()),
                 std::make_move_iterator(batch.end()));
    (void)co_await async::Sleep(ctx, wait);
    wait = std::min(wait * 2, kLastStoreWait);
  }
}

Task<Result<std::vector<JobId>>> Worker::Core::Write(Context ctx, const std::vector<Done>& batch) {
  std::vector<Ended> ended;
  ended.reserve(batch.size());
  for (const Done& done : batch) ended.push_back(done.ended);
  const WorkerId worker = batch.front().worker;
  const auto complete = [this, worker, &ended] { return store_.Complete(worker, ended); };
  Result<std::vector<JobId>> counted = co_await async::OffLoop(ctx, complete);
  if (counted) StoreWorks(ctx);
  co_return std::move(counted);
}

Task<Result<void>> Worker::Core::Deliver(Context ctx, std::vector<Done>& batch) {
  const Result<std::vector<JobId>> counted = co_await Write(ctx, batch);
  if (counted) {
    Delivered(ctx, std::exchange(batch, {}), *counted);
    co_return Result<void>();
  }
  if (!IsRefused(counted.error())) co_return std::unexpected<Error>(counted.error());
  Result<void> all;
  for (auto done = batch.begin(); done != batch.end();) {
    const Result<void> delivered = co_await DeliverOne(ctx, *done);
    if (delivered) {
      done = batch.erase(done);
      continue;
    }
    all = delivered;
    if (!IsRefused(delivered.error())) break;
    ++done;
  }
  co_return all;
}

// What the store does not take ends with that reason.
Task<Result<void>> Worker::Core::DeliverOne(Context ctx, const Done& done) {
  std::vector<Done> one = {done};
  Result<std::vector<JobId>> counted = co_await Write(ctx, one);
  if (!counted && IsRefused(counted.error())) {
    one[0].ended = {
        .id = done.ended.id,
        .fence = done.ended.fence,
        .how = Ended::How::kFailed,
        .error = Name(counted.error()),
        .message = StrCat("the store does not take the result: ", ToUtf8(counted.error().message))};
    counted = co_await Write(ctx, one);
  }
  if (!counted) co_return std::unexpected<Error>(counted.error());
  Delivered(ctx, one, *counted);
  co_return Result<void>();
}

void Worker::Core::Delivered(const Context& ctx, const std::vector<Done>& batch,
                             const std::vector<JobId>& counted) {
  // A queue that runs only so many jobs at once has room again.
  if (waiting_) store_.Wake();
  std::vector<JobId> sorted = counted;
  std::ranges::sort(sorted);
  std::vector<JobId> over;
  for (const Done& done : batch) {
    WorkerFigures::Queue& queue = figures_.queues[done.post->index];
    if (!std::ranges::binary_search(sorted, done.ended.id)) {
      ++queue.lost;
      continue;
    }
    ++queue.ended[static_cast<int>(done.ended.how)];
    if (done.ended.how == Ended::How::kDone || done.ended.how == Ended::How::kFailed) {
      over.push_back(done.ended.id);
    }
    if (done.asked > 0) (void)journal_.Counted(done.ended.id, done.asked);
  }
  if (over.empty()) return;
  const Result<void> noted = journal_.Ended(over);
  if (!noted) ctx.Emit("jobs.journal", {{"error", std::string_view(noted.error().message)}});
}

Task<void> Worker::Core::KeepLease(Context ctx) {
  const Duration every = options_.beat > Duration{} ? options_.beat : options_.lease / 4;
  TimePoint next = ctx.Now() + every;
  while (!finishing_) {
    if (worker_ != 0 && ctx.Now() < next && !beat_now_) {
      co_await bell_.Wait(ctx, next - ctx.Now());
      continue;
    }
    next = ctx.Now() + every;
    // A job of the lost lease that is claimed again must not meet itself.
    if (worker_ == 0 && running_.empty()) {
      const Result<void> enlisted = co_await Enlist(ctx);
      if (!enlisted) StoreFailed(ctx, enlisted.error());
      if (enlisted) bell_.Ring();
    } else if (worker_ != 0) {
      const WorkerId worker = worker_;
      beat_now_ = false;
      const WorkerState state = State(ctx);
      const auto renew = [this, worker, &state] { return store_.Renew(worker, state); };
      const Result<Beat> beat = co_await async::OffLoop(ctx, renew);
      if (!beat) StoreFailed(ctx, beat.error());
      if (beat) TakeBeat(ctx, *beat);
    }
    // Behind a store that was away everybody's lease is over: they get the time to renew it.
    if (worker_ != 0 && ctx.Now() - store_well_since_ >= options_.lease) {
      const auto reap = [this] { return store_.Reap(); };
      const Result<Reaped> reaped = co_await async::OffLoop(ctx, reap);
      if (!reaped) StoreFailed(ctx, reaped.error());
      if (reaped) TellReaped(ctx, *reaped);
    }
    if (worker_ == 0) (void)co_await async::Sleep(ctx, kFirstStoreWait);
  }
}

void Worker::Core::TakeBeat(const Context& ctx, const Beat& beat) {
  StoreWorks(ctx);
  if (!beat.alive) return LoseLease(ctx);
  for (const JobId id : beat.cancelled) {
    const auto waiting =
        std::ranges::find_if(ready_, [id](const Ready& ready) { return ready.job.id == id; });
    if (waiting != ready_.end()) {
      GiveBack(*waiting);
      ready_.erase(waiting);
    }
    const auto found = running_.find(id);
    if (found == running_.end()) continue;
    found->second.cancelled = true;
    found->second.cancellation->Cancel();
  }
}

// The jobs are others' now: what is under way is broken off, and what is done does not count.
void Worker::Core::LoseLease(const Context& ctx) {
  if (worker_ == 0) return;
  worker_ = 0;
  doubtful_ = false;
  ++figures_.leases_lost;
  ctx.Emit("jobs.lease_lost", {{"jobs", static_cast<std::int64_t>(running_.size())}});
  for (auto& [id, running] : running_) running.cancellation->Cancel();
  for (const Ready& ready : ready_) ++figures_.queues[ready.post->index].lost;
  ready_.clear();
  bell_.Ring();
}

void Worker::Core::TellReaped(const Context& ctx, const Reaped& reaped) {
  if (reaped.workers == 0) return;
  figures_.quarantined += static_cast<std::uint64_t>(reaped.quarantined);
  ctx.Emit("jobs.reaped", {{"workers", std::int64_t{reaped.workers}},
                           {"requeued", std::int64_t{reaped.requeued}},
                           {"quarantined", std::int64_t{reaped.quarantined}}});
  bell_.Ring();
}

void Worker::Core::StoreFailed(const Context& ctx, const Error& error) {
  ++figures_.store_errors;
  if (figures_.store_away) return;
  figures_.store_away = true;
  ctx.Emit("jobs.store", {{"ok", false}, {"error", std::string_view(error.message)}});
}

void Worker::Core::StoreWorks(const Context& ctx) {
  if (!figures_.store_away) return;
  figures_.store_away = false;
  store_well_since_ = ctx.Now();
  ctx.Emit("jobs.store", {{"ok", true}});
}

}  // namespace weir::jobs
