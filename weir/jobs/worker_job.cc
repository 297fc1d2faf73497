// One job: from its row to what came of it.

#include <algorithm>
#include <utility>

#include "weir/async/off_loop.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/flow/failures.h"
#include "weir/jobs/worker_core.h"
#include "weir/json/reader.h"

namespace weir::jobs {
namespace {

using async::Context;
using async::Task;

constexpr Duration kLastJobWait = std::chrono::seconds(30);

// What may be the whole server's fault: of one that is gone, that refuses everybody, that does not
// know us or the model any more.
bool MayBeTheServers(const Error& error) {
  switch (ClassOf(error)) {
    case ErrorClass::kUnavailable:
    case ErrorClass::kNetwork:
    case ErrorClass::kAuth:
    case ErrorClass::kDenied:
    case ErrorClass::kNotFound:
      return true;
    default:
      return false;
  }
}

// The server is there, and does not let us in.
bool IsRefusal(const Error& error) {
  const ErrorClass its_class = ClassOf(error);
  return its_class == ErrorClass::kAuth || its_class == ErrorClass::kDenied;
}

Error Blamed(const Error& error) {
  Error blamed = error;
  blamed.message =
      StrCat("its engine was there for others, and failed each time that it had this job: ",
             error.message);
  return blamed;
}

Duration Doubled(Duration first, int times, Duration most) {
  for (int i = 0; i < times && first < most; ++i) first *= 2;
  return std::min(first, most);
}

bool IsPushback(const Error& error) {
  return error.http_status == 429 || error.http_status == 503 || error.code == Code::kTimeout;
}

}  // namespace

void Worker::Core::NoteCall(const flow::AskedOnce& asked) {
  const Result<model::Reply>& reply = *asked.reply;
  const TimePoint now = loop_->Now();
  bool pushed_back = !reply && IsPushback(reply.error());
  if (reply) {
    pushed_back = std::ranges::any_of(reply->info.attempts, [](const model::Attempt& attempt) {
      return attempt.error && IsPushback(*attempt.error);
    });
  }
  if (pushed_back) {
    pace_.OnPushback(now);
  } else if (reply) {
    pace_.OnAnswer(now, asked.took);
  }
  figures_.limit = pace_.limit();
}

// A journal that cannot be read costs calls, not jobs.
Task<BegunBefore> Worker::Core::LookUp(Context ctx, const Shift& shift, const Claimed& job) {
  if (job.fence <= 1) co_return BegunBefore();
  Result<BegunBefore> before = journal_.Look(job.id, shift.InputOf(job));
  if (!before) {
    ctx.Emit("jobs.journal", {{"error", std::string_view(before.error().message)}});
    co_return BegunBefore();
  }
  for (const std::string& complaint : before->complaints) {
    ctx.Emit("jobs.journal", {{"error", std::string_view(complaint)}});
  }
  if (before->in_flight > 0 || !before->answers.empty()) {
    figures_.answers_found += before->answers.size();
    ctx.Emit("jobs.found", {{"job", job.id},
                            {"answers", static_cast<std::int64_t>(before->answers.size())},
                            {"in_flight", std::int64_t{before->in_flight}}});
  }
  if (before->in_flight > 0) {
    // At once: this worker may die, too, or the job be put away.
    const auto count = [this, queue = job.queue, calls = before->in_flight] {
      return store_.CountRepeated(queue, calls);
    };
    const Result<void> counted = co_await async::OffLoop(ctx, count);
    if (counted) {
      figures_.repeated_calls += static_cast<std::uint64_t>(before->in_flight);
      (void)journal_.Counted(job.id, before->asked);
    } else {
      StoreFailed(ctx, counted.error());
    }
  }
  co_return *std::move(before);
}

Task<void> Worker::Core::Do(Context ctx, Post& post, Shift& shift, Ready ready) {
  const Claimed& job = ready.job;
  async::Cancellation cancellation(ctx.cancellation);
  ctx.cancellation = &cancellation;
  running_[job.id] = {.worker = ready.worker, .cancellation = &cancellation};
  const TimePoint start = ctx.Now();
  BegunBefore before = co_await LookUp(ctx, shift, job);
  shift.answers().Begin(job.id, std::move(before));
  Result<json::Value> row = json::Read(job.row);
  Shift::End end;
  int tries = 0;
  if (row) {
    end = co_await Try(ctx, post, shift, job, *std::move(row), tries);
  } else {
    end.error = row.error();
  }
  std::uint64_t asked = 0;
  Ended ended = Judge(ctx, post, shift, job, std::move(end), tries, asked);
  if (ended.how != Ended::How::kBack) TellEnd(ctx, post, shift, job, ended, ctx.Now() - start);
  if (ended.how == Ended::How::kDone || ended.how == Ended::How::kFailed) suspects_.erase(job.id);
  shift.answers().Forget(job.id);
  running_.erase(job.id);
  alone_ = false;  // were there others, this one had not been alone
  --figures_.running;
  --shift.running;
  const std::optional<Error>& stopped = shift.stopped();
  if (stopped && stopped->code == Code::kConnectionError) {
    if (&shift == post.shift.get()) Pause(ctx, post, *stopped);
  } else if (stopped && !fatal_) {
    fatal_ = stopped;
  }
  Hand(post, ready.worker, std::move(ended), asked);
}

Ended Worker::Core::Judge(const Context& ctx, const Post& post, Shift& shift, const Claimed& job,
                          Shift::End end, int tries, std::uint64_t& asked) {
  const JobAnswers::Job& gathered = shift.answers().At(job.id);
  const bool wanted = !running_[job.id].cancelled;
  Ended ended{.id = job.id, .fence = job.fence};
  bool called = !gathered.attempts.empty();
  const bool gone = end.aborted && wanted && !ctx.cancelled();
  if (gone) {
    // A server that is gone has nothing in flight.
    const Result<BegunBefore> now = journal_.Look(job.id, shift.InputOf(job));
    if (now) asked = now->asked;
    called |= asked > gathered.asked_before;
    if (called && end.error && IsToBlame(ctx, post, job, *end.error)) {
      end.aborted = false;
      end.error = Blamed(*end.error);
      ++tries;
      ended.delay = Doubled(options_.first_wait, job.attempts, kLastJobWait);
    }
  }
  ended.tries = tries;
  ended.attempts = StrCat("[", Join(gathered.attempts, ","), "]");
  ended.metadata =
      gathered.metadata.Json(called ? &shift.assignment() : nullptr, post.queue->spec.digest);
  if (end.aborted && wanted) {
    ended.how = Ended::How::kBack;
    // Another job tries out whether calls are let in again.
    if (end.error && IsRefusal(*end.error)) ended.delay = 2 * post.mend_wait;
    if (end.put_off) ended.delay = options_.lease;
    return ended;
  }
  if (!end.error && wanted) {
    ended.result = std::move(end.result);
    return ended;
  }
  const Error none{.code = Code::kCancelled, .message = "nobody wants the result any more"};
  const Error& error = wanted ? *end.error : none;
  const bool broken_off = ends() || ended.delay > Duration::zero();
  const bool later = wanted && broken_off && MayBeTriedAgain(post, job, error, tries);
  ended.how = later ? Ended::How::kAgain : Ended::How::kFailed;
  ended.error = Name(error);
  // Servers and programs say what they like; a store takes texts only.
  ended.message = ToUtf8(Redact(error.message));
  return ended;
}

void Worker::Core::TellEnd(const Context& ctx, const Post& post, const Shift& shift,
                           const Claimed& job, const Ended& ended, Duration took) {
  ctx.Emit("job.end", {{"agent", std::string_view(post.queue->spec.name)},
                       {"job", job.id},
                       {"row", std::string_view(job.row_id)},
                       {"ok", ended.how == Ended::How::kDone},
                       {"error", std::string_view(ended.error)},
                       {"message", std::string_view(ended.message)},
                       {"provider", std::string_view(shift.assignment().provider)},
                       {"model", std::string_view(shift.assignment().model)},
                       {"variant_id", std::string_view(shift.assignment().variant)},
                       {"ms", std::chrono::duration<double, std::milli>(took).count()}});
}

bool Worker::Core::MayBeTriedAgain(const Post& post, const Claimed& job, const Error& error,
                                   int tries) {
  return flow::MayTryAgain(error) && job.attempts + tries < post.queue->spec.max_attempts;
}

// A job that may do better later keeps its claim meanwhile, so that what it was answered already is
// not paid again; its place is another's.
Task<Shift::End> Worker::Core::Try(Context ctx, Post& post, Shift& shift, const Claimed& job,
                                   json::Value row, int& tries) {
  Duration wait = options_.first_wait;
  while (true) {
    const std::size_t calls = shift.answers().At(job.id).attempts.size();
    Shift::End end = co_await shift.Walk(ctx, job, row);
    const auto at_work = [&] { return &shift == post.shift.get(); };
    if (end.aborted && !ctx.cancelled()) end.error = shift.stopped();
    if (!end.aborted && end.error && MayBeTheServers(*end.error)) {
      const Result<void> well = co_await shift.Check(ctx);
      const bool refused = well && IsRefusal(*end.error);
      end.aborted = !well || refused;
      if (end.aborted && at_work() && !ctx.cancelled()) {
        Pause(ctx, post, refused ? *end.error : well.error(), refused ? Why::kRefused : Why::kAway);
      }
    }
    if (end.aborted) co_return end;
    const bool answered = shift.answers().At(job.id).attempts.size() > calls;
    if (post.on_trial && at_work() && answered) GoOn(ctx, post);
    ++tries;
    const bool again =
        end.error && MayBeTriedAgain(post, job, *end.error, tries) && !ends() && !ctx.cancelled();
    if (!again) co_return end;
    co_await Rest(ctx, wait);
    wait = std::min(wait * 2, kLastJobWait);
    if (ctx.cancelled()) end.aborted = true;
    if (ctx.cancelled() || ends()) co_return end;
  }
}

// Gives the place away for so long, and takes the next that is free.
Task<void> Worker::Core::Rest(Context ctx, Duration wait) {
  --figures_.running;
  beat_now_ |= ++figures_.resting == 1;
  bell_.Ring();
  const TimePoint until = ctx.Now() + wait;
  const auto next_try = next_tries_.insert(until);
  while (ctx.Now() < until && !ends() && !ctx.cancelled()) {
    co_await bell_.Wait(ctx, until - ctx.Now());
  }
  next_tries_.erase(next_try);
  ++rested_;
  while (room() <= 0 && !ends() && !ctx.cancelled()) co_await bell_.Wait(ctx, kLastJobWait);
  --rested_;
  --figures_.resting;
  ++figures_.running;
}

void Worker::Core::Hand(Post& post, WorkerId worker, Ended ended, std::uint64_t asked) {
  done_.push_back({&post, worker, std::move(ended), asked});
  bell_.Ring();
}

}  // namespace weir::jobs
