#include "weir/jobs/worker.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "weir/async/off_loop.h"
#include "weir/base/text.h"
#include "weir/jobs/worker_core.h"

namespace weir::jobs {
namespace {

using async::Context;
using async::Task;

constexpr Duration kLookAgain = std::chrono::seconds(1);  // for jobs, where nothing tells of them
// Times the jobs that may be under way. With so many undelivered no job is begun.
constexpr std::size_t kUndelivered = 4;

std::unexpected<Error> Of(const std::string& agent, Error error) {
  error.message = StrCat("queue ", agent, ": ", error.message);
  return std::unexpected<Error>(std::move(error));
}

}  // namespace

Worker::Worker(JobStore& store, AnswerJournal& journal, Resolve resolve,
               std::vector<WorkQueue> queues, WorkerOptions options)
    : core_(std::make_unique<Core>(store, journal, std::move(resolve), std::move(queues),
                                   std::move(options))) {}
Worker::~Worker() = default;

Task<Result<void>> Worker::Run(Context ctx) { return core_->Run(ctx); }
void Worker::Drain() { core_->Drain(); }
void Worker::Refresh() { core_->Refresh(); }
const WorkerFigures& Worker::figures() const { return core_->figures(); }

Worker::Core::Core(JobStore& store, AnswerJournal& journal, Resolve resolve,
                   std::vector<WorkQueue> queues, WorkerOptions options)
    : store_(store),
      journal_(journal),
      resolve_(std::move(resolve)),
      queues_(std::move(queues)),
      options_(std::move(options)),
      pace_({.most = options_.concurrency, .slow = options_.slow}) {
  for (const WorkQueue& queue : queues_) {
    posts_.push_back({.queue = &queue, .index = posts_.size(), .mend_wait = options_.first_look});
    figures_.queues.push_back({.name = queue.spec.name});
  }
  figures_.limit = pace_.limit();
}

void Worker::Core::Drain() {
  if (std::exchange(told_to_end_, true)) return;
  figures_.draining = true;
  bell_.Ring();
  if (waiting_) store_.Wake();
}

void Worker::Core::Refresh() {
  for (Post& post : posts_) post.stale = true;
  bell_.Ring();
}

std::int64_t Worker::Core::Left() const {
  return options_.most_jobs ? *options_.most_jobs - static_cast<std::int64_t>(begun_)
                            : std::numeric_limits<std::int64_t>::max();
}

Task<Result<void>> Worker::Core::Run(Context ctx) {
  loop_ = ctx.loop;
  // What ends the work does not end what still has to be written of it.
  Context calm(*ctx.loop);
  calm.trace = ctx.trace;
  Result<void> begun = co_await OpenShifts(ctx);
  if (begun) begun = co_await Enlist(ctx);
  if (!begun) {
    co_await CloseShifts(calm);
    co_return std::unexpected<Error>(begun.error());
  }
  const async::Cancellation::Watch cancelled(ctx.cancellation, [this] {
    bell_.Ring();
    if (waiting_) store_.Wake();
  });
  async::TaskScope keepers(calm);
  keepers.Spawn(DeliverAll(keepers.context()));
  keepers.Spawn(KeepLease(keepers.context()));
  async::TaskScope mender(calm);
  mender.Spawn(Mend(mender.context()));
  {
    async::TaskScope jobs(calm);
    async::TaskScope begin(ctx);
    begin.Spawn(BeginAll(begin.context(), jobs));
    co_await ClaimAll(ctx);
    // An engine that says nothing keeps nobody from ending.
    mender.Cancel();
    co_await begin.Join();
    GiveBackReady();
    co_await End(ctx, jobs);
  }
  co_await mender.Join();
  finishing_ = true;
  bell_.Ring();
  co_await keepers.Join();
  co_await CloseShifts(calm);
  if (worker_ != 0) {
    const auto retire = [this] { return store_.Retire(worker_); };
    const Result<void> retired = co_await async::OffLoop(calm, retire);
    if (!retired) StoreFailed(calm, retired.error());
  }
  if (fatal_) co_return std::unexpected<Error>(*fatal_);
  co_return Result<void>();
}

Task<Result<void>> Worker::Core::OpenShifts(Context ctx) {
  for (Post& post : posts_) {
    const std::string& agent = post.queue->spec.name;
    Result<Resolved> resolved = co_await Read(ctx, post);
    if (!resolved) co_return Of(agent, std::move(resolved).error());
    Result<std::unique_ptr<Shift>> shift = co_await NewShift(ctx, post, *std::move(resolved));
    if (!shift) co_return Of(agent, std::move(shift).error());
    Relieve(post, *std::move(shift));
    if (post.shift->away()) Pause(ctx, post, *post.shift->away());
  }
  co_return Result<void>();
}

Task<Result<std::unique_ptr<Shift>>> Worker::Core::NewShift(Context ctx, const Post& post,
                                                            Resolved resolved) {
  auto shift = std::make_unique<Shift>(*loop_, *post.queue, std::move(resolved), journal_,
                                       options_.concurrency,
                                       [this](const flow::AskedOnce& asked) { NoteCall(asked); });
  const Result<void> opened = co_await shift->Open(ctx);
  if (!opened) {
    co_await shift->Close(ctx);
    co_return std::unexpected<Error>(opened.error());
  }
  co_return std::move(shift);
}

Task<Result<void>> Worker::Core::Enlist(Context ctx) {
  const WorkerSpec spec{.name = options_.name, .lease = options_.lease};
  const auto enlist = [this, &spec] { return store_.Enlist(spec); };
  const Result<WorkerId> worker = co_await async::OffLoop(ctx, enlist);
  if (!worker) co_return std::unexpected<Error>(worker.error());
  worker_ = *worker;
  beat_now_ |= std::ranges::any_of(posts_, &Post::paused);
  if (store_well_since_ == TimePoint()) store_well_since_ = ctx.Now();
  co_return Result<void>();
}

Task<void> Worker::Core::ClaimAll(Context ctx) {
  while (!ctx.cancelled() && !ends() && !full_measure_) {
    const int ahead = std::max(1, pace_.limit() / 4);
    const bool full = static_cast<int>(ready_.size()) > free_places() + ahead / 2;
    const bool nobody_takes =
        std::ranges::none_of(posts_, [this](const Post& post) { return Takes(post); });
    if (doubtful_ && worker_ != 0) {
      co_await GiveUpLease(ctx);
      continue;
    }
    // Who waits for an engine with nothing to do for it does not wait.
    const bool may_be_over = nobody_takes && worker_ != 0 && options_.exit_when_empty;
    if (may_be_over && co_await NothingIsLeft(ctx)) break;
    if (worker_ == 0 || full || nobody_takes || alone_) {
      co_await bell_.Wait(ctx, kLookAgain);
      continue;
    }
    const bool got = co_await ClaimSome(ctx);
    if (got || ends()) continue;
    if (options_.exit_when_empty && co_await NothingIsLeft(ctx)) break;
    co_await WaitForWork(ctx);
  }
  figures_.draining = true;
  bell_.Ring();
}

Task<bool> Worker::Core::ClaimSome(Context ctx) {
  const int ahead = std::max(1, pace_.limit() / 4);
  std::int64_t most = free_places() + ahead - static_cast<std::int64_t>(ready_.size());
  most = std::min(most, Left() - static_cast<std::int64_t>(ready_.size()));
  if (most <= 0) {
    co_await bell_.Wait(ctx, kLookAgain);
    co_return true;
  }
  std::vector<ClaimFrom> from;
  for (const Post& post : posts_) {
    const int its_most = post.on_trial ? 1 : static_cast<int>(most);
    if (Takes(post)) from.push_back({.queue = post.queue->id, .most = its_most});
  }
  const WorkerId worker = worker_;
  const auto claim = [this, worker, &from] { return store_.Claim(worker, from); };
  claiming_ = true;
  Result<Claims> claims = co_await async::OffLoop(ctx, claim);
  claiming_ = false;
  if (!claims) {
    StoreFailed(ctx, claims.error());
    doubtful_ = true;
    co_return false;
  }
  StoreWorks(ctx);
  if (!claims->alive && worker == worker_) LoseLease(ctx);
  for (Claimed& job : claims->jobs) {
    const auto post = std::ranges::find_if(
        posts_, [&](const Post& its_post) { return its_post.queue->id == job.queue; });
    ++figures_.queues[post->index].claimed;
    ready_.push_back({&*post, worker, std::move(job)});
  }
  bell_.Ring();
  co_return !claims->jobs.empty();
}

// The store may have given jobs to this lease in an answer that never came: once nothing runs any
// more it is given back, with all that it holds.
Task<void> Worker::Core::GiveUpLease(Context ctx) {
  const bool busy = !ready_.empty() || !running_.empty() || !done_.empty() || delivering_ > 0;
  if (busy) {
    co_await bell_.Wait(ctx, kLookAgain);
    co_return;
  }
  const WorkerId worker = worker_;
  const auto retire = [this, worker] { return store_.Retire(worker); };
  const Result<void> retired = co_await async::OffLoop(ctx, retire);
  if (!retired) {
    StoreFailed(ctx, retired.error());
    co_await bell_.Wait(ctx, kLookAgain);
    co_return;
  }
  StoreWorks(ctx);
  doubtful_ = false;
  if (worker == worker_) worker_ = 0;
  bell_.Ring();
}

Task<bool> Worker::Core::NothingIsLeft(Context ctx) {
  if (!ready_.empty() || !running_.empty() || !done_.empty() || delivering_ > 0) co_return false;
  const auto look = [this] { return store_.Queues(); };
  const Result<std::vector<QueueInfo>> queues = co_await async::OffLoop(ctx, look);
  if (!queues) co_return false;
  for (const QueueInfo& queue : *queues) {
    const bool own =
        std::ranges::any_of(posts_, [&](const Post& post) { return post.queue->id == queue.id; });
    const auto count = [&](JobState state) { return queue.counts[static_cast<int>(state)]; };
    if (!own) continue;
    if (count(JobState::kWaiting) + count(JobState::kQueued) + count(JobState::kRunning) > 0) {
      co_return false;
    }
  }
  co_return true;
}

Task<void> Worker::Core::WaitForWork(Context ctx) {
  waiting_ = true;
  const bool rated = std::ranges::any_of(
      queues_, [](const WorkQueue& queue) { return queue.spec.rate.has_value(); });
  const Duration most = rated ? kLookAgain / 10 : kLookAgain;
  const auto wait = [this, most] { return store_.WaitForWork(most); };
  const Result<void> waited = co_await async::OffLoop(ctx, wait);
  waiting_ = false;
  if (waited) co_return;
  StoreFailed(ctx, waited.error());
  co_await bell_.Wait(ctx, kLookAgain);
}

Task<void> Worker::Core::BeginAll(Context ctx, async::TaskScope& jobs) {
  while (!ctx.cancelled() && !ends()) {
    for (Post& post : posts_) co_await CloseIdle(ctx, post);
    const auto stale =
        std::ranges::find_if(posts_, [](const Post& post) { return post.stale && !post.paused; });
    if (stale != posts_.end()) {
      co_await RefreshPost(ctx, *stale);
      continue;
    }
    if (ready_.empty() || !MayBegin()) {
      co_await bell_.Wait(ctx, kLookAgain);
      continue;
    }
    Ready ready = std::move(ready_.front());
    ready_.pop_front();
    Post& post = *ready.post;
    if (ready.worker != worker_) continue;
    if (!Takes(post)) {
      GiveBack(ready);
      continue;
    }
    const bool suspect = NeedsToBeAlone(post, ready.job);
    if (suspect) co_await WaitToBeAlone(ctx);
    const auto every = static_cast<std::uint64_t>(std::max(1, options_.refresh_every));
    const bool enough = post.begun > 0 && post.begun % every == 0;
    if (enough || post.stale) co_await RefreshPost(ctx, post);
    if (ready.worker != worker_ || ctx.cancelled() || ends() || !Takes(post)) {
      if (suspect) alone_ = false;
      GiveBack(ready);
      continue;
    }
    ++post.begun;
    ++begun_;
    ++figures_.running;
    ++post.shift->running;
    jobs.Spawn(Do(jobs.context(), post, *post.shift, std::move(ready)));
    if (Left() == 0) {
      full_measure_ = true;
      break;
    }
    if (room() > 0) bell_.Ring();
  }
  // ClaimAll may still wait for room.
  bell_.Ring();
}

bool Worker::Core::MayBegin() const {
  const auto most = static_cast<std::size_t>(options_.concurrency);
  const bool store_lags = done_.size() + delivering_ > kUndelivered * most;
  return free_places() > 0 && !store_lags && !alone_;
}

bool Worker::Core::Takes(const Post& post) const {
  int unended = post.shift->running;
  for (const std::unique_ptr<Shift>& shift : post.earlier) unended += shift->running;
  const bool tried_out = post.on_trial && post.shift->running > 0;
  return !post.paused && !tried_out && unended < kUnended * options_.concurrency;
}

Task<Result<Resolved>> Worker::Core::Read(Context ctx, Post& post) {
  post.stale = false;
  return resolve_(ctx, post.queue->spec.name);
}

// A configuration that is wrong now changes nothing: the worker goes on with what it has.
Task<void> Worker::Core::RefreshPost(Context ctx, Post& post) {
  const std::string& agent = post.queue->spec.name;
  Result<Resolved> resolved = co_await Read(ctx, post);
  if (!resolved) {
    ctx.Emit("config.refresh", {{"agent", std::string_view(agent)},
                                {"ok", false},
                                {"error", std::string_view(resolved.error().message)}});
    co_return;
  }
  const bool same_engines = resolved->engines == post.shift->resolved().engines;
  if (same_engines && resolved->assignment == post.shift->assignment()) co_return;
  Result<std::unique_ptr<Shift>> shift = co_await NewShift(ctx, post, *std::move(resolved));
  if (!shift) {
    ctx.Emit("config.refresh", {{"agent", std::string_view(agent)},
                                {"ok", false},
                                {"error", std::string_view(shift.error().message)}});
    co_return;
  }
  ctx.Emit("config.refresh", {{"agent", std::string_view(agent)}, {"ok", true}});
  co_await Change(ctx, post, *std::move(shift));
  if (post.shift->away()) Pause(ctx, post, *post.shift->away());
}

// New jobs go to the new shift from here on.
Task<void> Worker::Core::Change(Context ctx, Post& post, std::unique_ptr<Shift> shift) {
  const Assignment before = post.shift->assignment();
  const Assignment now = shift->assignment();
  // The same engines keep the servers that were started for them.
  if (shift->resolved().engines == post.shift->resolved().engines) shift->TakeOver(*post.shift);
  Relieve(post, std::move(shift));
  co_await CloseIdle(ctx, post);
  Assignment known = before;
  if (known.model.empty()) known.model = now.model;  // nobody had told it
  if (known == now) co_return;
  ++figures_.switches;
  ctx.Emit("provider.switch", {{"agent", std::string_view(post.queue->spec.name)},
                               {"old_provider", std::string_view(before.provider)},
                               {"new_provider", std::string_view(now.provider)},
                               {"old_engine", std::string_view(before.engine)},
                               {"engine", std::string_view(now.engine)},
                               {"old_model", std::string_view(before.model)},
                               {"model", std::string_view(now.model)},
                               {"variant_id", std::string_view(now.variant)}});
}

void Worker::Core::Relieve(Post& post, std::unique_ptr<Shift> shift) {
  if (post.shift) post.earlier.push_back(std::move(post.shift));
  post.shift = std::move(shift);
  if (!post.shift) return;
  WorkerFigures::Queue& figures = figures_.queues[post.index];
  figures.engine = post.shift->assignment().engine;
  figures.stands_in_for = post.shift->resolved().stands_in_for;
}

Task<void> Worker::Core::CloseIdle(Context ctx, Post& post) {
  std::vector<std::unique_ptr<Shift>> idle;
  for (std::unique_ptr<Shift>& shift : post.earlier) {
    if (shift->running == 0) idle.push_back(std::move(shift));
  }
  std::erase(post.earlier, nullptr);
  for (const std::unique_ptr<Shift>& shift : idle) co_await shift->Close(ctx);
}

Task<void> Worker::Core::CloseShifts(Context ctx) {
  for (Post& post : posts_) {
    Relieve(post, nullptr);
    co_await CloseIdle(ctx, post);
  }
}

bool Worker::Core::NeedsToBeAlone(const Post& post, const Claimed& job) const {
  const auto suspect = suspects_.find(job.id);
  return (job.crashes > 0 && job.crashes + 1 >= post.queue->spec.max_crashes) ||
         (suspect != suspects_.end() && suspect->second.times >= kMostGiveBacks);
}

// A job under which workers have died has its last chance with nothing beside it, so that nobody
// is blamed for what it does.
Task<void> Worker::Core::WaitToBeAlone(Context ctx) {
  while (!ctx.cancelled() && !ends()) {
    alone_ = true;  // a job that ended meanwhile has taken it back
    GiveBackReady();
    const bool busy = claiming_ || !running_.empty() || !done_.empty() || delivering_ > 0;
    if (!busy) co_return;
    co_await bell_.Wait(ctx, kLookAgain);
  }
}

void Worker::Core::GiveBack(const Ready& ready) {
  Hand(*ready.post, ready.worker,
       {.id = ready.job.id, .fence = ready.job.fence, .how = Ended::How::kBack});
}

void Worker::Core::GiveBackReady() {
  for (const Ready& ready : std::exchange(ready_, {})) GiveBack(ready);
}

// Jobs under way are given their time, unless the worker was cancelled; one that nobody told to end
// has all the time they take.
Task<void> Worker::Core::End(Context ctx, async::TaskScope& jobs) {
  TimePoint until = told_to_end_ ? ctx.Now() + options_.drain : kNever;
  const Context calm = jobs.context();
  while (!running_.empty() && !ctx.cancelled() && !fatal_ && ctx.Now() < until) {
    co_await bell_.Wait(ctx, std::min<Duration>(until - ctx.Now(), kLookAgain));
    if (told_to_end_ && until == kNever) until = ctx.Now() + options_.drain;
  }
  if (!running_.empty()) {
    calm.Emit("jobs.broken_off", {{"jobs", static_cast<std::int64_t>(running_.size())}});
  }
  jobs.Cancel();
  co_await jobs.Join();
}

}  // namespace weir::jobs
