// When an engine is gone: the pause, what it takes to go on, and jobs that may be the reason.

#include <algorithm>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/jobs/worker_core.h"

namespace weir::jobs {
namespace {

using async::Context;
using async::Task;

constexpr Duration kLastMend = std::chrono::seconds(30);
constexpr Duration kLookAtPauses = std::chrono::seconds(1);
constexpr std::size_t kMostReason = 500;  // of a pause, for people

// An engine that is gone, or that does not want this request. A key that is refused is no job's
// fault, however often that happens.
bool MayBeOfTheJob(const Error& error) {
  switch (ClassOf(error)) {
    case ErrorClass::kNetwork:
    case ErrorClass::kUnavailable:
    case ErrorClass::kDenied:
      return true;
    default:
      return false;
  }
}

}  // namespace

// Tells once why, and again when it is for another reason.
void Worker::Core::Pause(const Context& ctx, Post& post, const Error& error, Why why) {
  post.refused |= why == Why::kRefused;
  if (!std::exchange(post.paused, true)) {
    const bool again = std::exchange(post.on_trial, false);
    if (again) post.mend_wait = std::min(post.mend_wait * 2, kLastMend);
    post.mend_at = ctx.Now() + post.mend_wait;
    bell_.Ring();
  }
  figures_.paused = std::ranges::all_of(posts_, &Post::paused);
  if (post.paused_for == error.message) return;
  post.paused_for = error.message;
  beat_now_ = true;
  ctx.Emit("jobs.paused", {{"agent", std::string_view(post.queue->spec.name)},
                           {"error", std::string_view(error.message)}});
  bell_.Ring();
}

void Worker::Core::GoOn(const Context& ctx, Post& post) {
  post.on_trial = false;
  post.refused = false;
  post.paused_for.clear();
  post.mend_wait = options_.first_look;
  ++post.resumed;
  beat_now_ = true;
  ctx.Emit("jobs.resumed", {{"agent", std::string_view(post.queue->spec.name)}});
  bell_.Ring();
}

// A server may come between the look that asks for its model and the one whether it is there: then
// both are done again, once.
Task<Result<std::unique_ptr<Shift>>> Worker::Core::NewWellShift(Context ctx, Post& post) {
  Result<std::unique_ptr<Shift>> shift = co_await LookForShift(ctx, post);
  if (!shift || !(*shift)->assignment().model.empty()) co_return shift;
  co_await (*shift)->Close(ctx);
  co_return co_await LookForShift(ctx, post);
}

Task<Result<std::unique_ptr<Shift>>> Worker::Core::LookForShift(Context ctx, Post& post) {
  Result<Resolved> resolved = co_await Read(ctx, post);
  if (!resolved) co_return std::unexpected<Error>(resolved.error());
  Result<std::unique_ptr<Shift>> shift = co_await NewShift(ctx, post, *std::move(resolved));
  if (!shift) co_return std::unexpected<Error>(shift.error());
  const Result<void> well = co_await (*shift)->Check(ctx);
  if (well) co_return std::move(shift);
  co_await (*shift)->Close(ctx);
  co_return std::unexpected<Error>(well.error());
}

// Asks until there is somebody to work with again, or until it is cancelled, because no job is
// begun any more; the configuration may say something else by then.
Task<void> Worker::Core::Mend(Context ctx) {
  while (!ctx.cancelled()) {
    TimePoint next = ctx.Now() + kLookAtPauses;
    for (Post& post : posts_) {
      if (!post.paused || ends()) continue;
      if (post.stale || post.mend_at <= ctx.Now()) co_await MendPost(ctx, post);
      if (post.paused) next = std::min(next, post.stale ? ctx.Now() : post.mend_at);
    }
    if (ctx.Now() < next) co_await bell_.Wait(ctx, next - ctx.Now());
  }
}

Task<void> Worker::Core::MendPost(Context ctx, Post& post) {
  Result<std::unique_ptr<Shift>> shift = co_await NewWellShift(ctx, post);
  if (!shift && ctx.cancelled()) co_return;  // it says nothing of the engine
  if (!shift) {
    post.mend_wait = std::min(post.mend_wait * 2, kLastMend);
    post.mend_at = ctx.Now() + post.mend_wait;
    Pause(ctx, post, shift.error());
    co_return;
  }
  co_await Change(ctx, post, *std::move(shift));
  post.paused = false;
  figures_.paused = false;
  post.on_trial = post.refused;
  if (post.on_trial) {
    bell_.Ring();
  } else {
    GoOn(ctx, post);
  }
}

// Whether it is the job under which its engine goes away again and again; else it is remembered
// that the engine did, and the job goes back. Only pauses count that came to an end: an engine that
// stays away says nothing of its jobs.
bool Worker::Core::IsToBlame(const Context& ctx, const Post& post, const Claimed& job,
                             const Error& error) {
  if (!MayBeOfTheJob(error)) return false;
  Suspicion& suspicion = suspects_[job.id];
  const bool was_back = suspicion.times == 0 || suspicion.resumed != post.resumed;
  suspicion.resumed = post.resumed;
  suspicion.last = ++suspicions_;
  if (!was_back) return false;
  if (suspicion.times >= kMostGiveBacks) return true;
  if (++suspicion.times == kMostGiveBacks) {
    ctx.Emit("jobs.suspect", {{"agent", std::string_view(post.queue->spec.name)},
                              {"job", job.id},
                              {"row", std::string_view(job.row_id)},
                              {"times", std::int64_t{kMostGiveBacks}},
                              {"error", std::string_view(error.message)}});
  }
  const std::size_t most = std::size_t{kUnended} * static_cast<std::size_t>(options_.concurrency);
  if (suspects_.size() > most) {
    suspects_.erase(std::ranges::min_element(
        suspects_, {}, [](const auto& suspect) { return suspect.second.last; }));
  }
  return false;
}

WorkerState Worker::Core::State(const Context& ctx) const {
  WorkerState state{.paused = {}, .resting = figures_.resting, .next_try = {}};
  for (const Post& post : posts_) {
    if (post.paused_for.empty()) continue;
    StrAppend(state.paused, state.paused.empty() ? "" : "; ", post.queue->spec.name, ": ",
              Truncate(ToUtf8(Redact(post.paused_for)), kMostReason));
  }
  if (!next_tries_.empty()) {
    state.next_try = std::max(Duration::zero(), *next_tries_.begin() - ctx.Now());
  }
  return state;
}

}  // namespace weir::jobs
