#include "weir/cli/jobs_work_view.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "weir/async/context.h"
#include "weir/base/text.h"
#include "weir/cli/event_fields.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/warnings.h"

namespace weir::cli {
namespace {

using jobs::Ended;

constexpr Duration kViewLookEvery = std::chrono::milliseconds(200);
constexpr Duration kRateOver = std::chrono::seconds(2);

using Fields = EventFields;

// "vllm big (qwen-72b)"
std::string Of(std::string_view provider, std::string_view engine, std::string_view model) {
  std::string text(provider);
  if (!engine.empty() && engine != provider) StrAppend(text, " ", engine);
  if (!model.empty()) StrAppend(text, " (", model, ")");
  return text;
}

// What is good news, or only news.
bool IsCalm(std::string_view name, Fields fields) {
  const bool works = IsSetIn(fields, "ok");
  return name == "provider.switch" || name == "jobs.resumed" || name == "jobs.found" || works;
}

std::uint64_t Ends(const jobs::WorkerFigures& figures, Ended::How how) {
  std::uint64_t count = 0;
  for (const jobs::WorkerFigures::Queue& queue : figures.queues) {
    count += queue.ended[static_cast<int>(how)];
  }
  return count;
}

std::string CountedOf(std::uint64_t count) { return CountedJobs(static_cast<std::int64_t>(count)); }

}  // namespace

std::string WorkNoteOf(std::string_view name, Fields fields, std::string_view store) {
  if (name == "provider.switch" && !TextIn(fields, "agent").empty()) {
    const std::string_view variant = TextIn(fields, "variant_id");
    return StrCat(
        "jobs of ", TextIn(fields, "agent"), " go to ",
        Of(TextIn(fields, "new_provider"), TextIn(fields, "engine"), TextIn(fields, "model")),
        " now, before to ",
        Of(TextIn(fields, "old_provider"), TextIn(fields, "old_engine"),
           TextIn(fields, "old_model")),
        variant.empty() ? std::string() : StrCat("; variant ", variant));
  }
  if (name == "config.refresh" && !IsSetIn(fields, "ok")) {
    return StrCat(
        "the configuration of ", TextIn(fields, "agent"),
        " cannot be used, and the worker goes on with the one before: ", TextIn(fields, "error"));
  }
  if (name == "jobs.paused") {
    return StrCat("jobs of ", TextIn(fields, "agent"),
                  " wait until an engine answers: ", TextIn(fields, "error"));
  }
  if (name == "jobs.suspect") {
    return StrCat(
        "job ", WholeIn(fields, "job"), " of ", TextIn(fields, "agent"),
        " was under way each of the ", WholeIn(fields, "times"),
        " times that its engine failed and came back; it is worked alone from now on, and "
        "when it happens again the job has failed: ",
        TextIn(fields, "error"));
  }
  if (name == "jobs.resumed") return StrCat("jobs of ", TextIn(fields, "agent"), " go on");
  if (name == "jobs.lease_lost") {
    return StrCat("this worker was silent for too long: its ", CountedJobs(WholeIn(fields, "jobs")),
                  " under way are others' now");
  }
  if (name == "jobs.reaped") {
    const std::int64_t quarantined = WholeIn(fields, "quarantined");
    return StrCat(WholeIn(fields, "workers") == 1
                      ? std::string("a worker was lost")
                      : StrCat(WholeIn(fields, "workers"), " workers were lost"),
                  "; ", CountedJobs(WholeIn(fields, "requeued")), " went back to the queue",
                  quarantined == 0
                      ? std::string()
                      : StrCat(", ", CountedJobs(quarantined),
                               " had lost too many workers and failed (weir jobs status --failed",
                               store, ")"));
  }
  if (name == "jobs.store") {
    if (IsSetIn(fields, "ok")) return "the store answers again";
    return StrCat("the store does not answer, and is tried again: ", TextIn(fields, "error"));
  }
  if (name == "jobs.journal") {
    return StrCat("the journal of answers is of no use for a job, which is asked again: ",
                  TextIn(fields, "error"));
  }
  if (name == "jobs.put_off") {
    return StrCat("job ", WholeIn(fields, "job"),
                  " waits for the time of a lease: a worker that has ", "lost it is still at it (",
                  TextIn(fields, "error"), ")");
  }
  if (name == "jobs.broken_off") {
    return StrCat(CountedJobs(WholeIn(fields, "jobs")),
                  " under way: broken off, back to the queue");
  }
  return {};
}

WorkView::WorkView(const Terminal& terminal, const Env& env, const Clock& clock,
                   const jobs::Worker& worker, bool quiet)
    : TraceSink(false),
      terminal_(terminal),
      worker_(worker),
      clock_(clock),
      quiet_(quiet),
      progress_(terminal, env, clock) {}

void WorkView::Note(const std::string& text, bool warns) {
  progress_.Clear();
  if (warns) {
    terminal_.Warn(text);
  } else {
    terminal_.Note(text);
  }
}

void WorkView::OnEvent(std::string_view name, Fields fields) {
  if (const std::optional<std::string> warning = WarningOf(name, fields)) {
    return Note(*warning, true);
  }
  if (name == "job.end" && !IsSetIn(fields, "ok")) {
    const std::string error(TextIn(fields, "error"));
    if (++failures_[error] > 1) return;
    return Note(
        StrCat("job ", WholeIn(fields, "job"), " of ", TextIn(fields, "agent"), " failed: ", error,
               ": ", TextIn(fields, "message"), " (others like it are only counted)"),
        true);
  }
  // Who works many jobs after a crash does not want a line for each.
  if (name == "jobs.found") return;
  std::string text = WorkNoteOf(name, fields, store_);
  if (name == "jobs.paused") StrAppend(text, std::exchange(pause_hint_, {}));
  if (!text.empty()) Note(text, !IsCalm(name, fields));
}

void WorkView::TellStart(const std::string& name, const std::string& store,
                         const std::string& journal, const std::string& metrics) {
  const std::string figures = StrCat("its figures are at ", metrics, "/metrics");
  if (quiet_) {
    if (!metrics.empty()) Note(figures, false);
    return;
  }
  std::vector<std::string> names;
  for (const jobs::WorkerFigures::Queue& queue : worker_.figures().queues) {
    names.push_back(queue.name);
  }
  Note(StrCat("worker ", name, " takes jobs of ", Join(names, ", "), " from ", store,
              "; answers are kept in ", journal),
       false);
  if (!metrics.empty()) Note(figures, false);
}

void WorkView::TellDrain(Duration most) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(most).count();
  Note(StrCat("no job is begun any more; those under way (", worker_.figures().running, ") have ",
              FormatMillis(millis), ", a second signal gives them back at once"),
       false);
}

void WorkView::TellReading() { Note("SIGHUP: the configuration is read again", false); }

std::string WorkView::Line() {
  const jobs::WorkerFigures& figures = worker_.figures();
  const std::uint64_t done = Ends(figures, Ended::How::kDone);
  const std::uint64_t failed = Ends(figures, Ended::How::kFailed);
  const TimePoint now = clock_.Now();
  if (looked_at_ == TimePoint()) looked_at_ = now;
  if (now - looked_at_ >= kRateOver) {
    per_second_ = static_cast<double>(done + failed - ended_then_) /
                  std::chrono::duration<double>(now - looked_at_).count();
    looked_at_ = now;
    ended_then_ = done + failed;
  }
  char rate[32];
  std::snprintf(rate, sizeof(rate), "%.1f", per_second_);
  std::string line = StrCat(figures.running, " of ", figures.limit, " under way, ", done, " done");
  if (failed > 0) StrAppend(line, ", ", failed, " failed");
  StrAppend(line, ", ", std::string_view(rate), " a second");
  if (figures.resting > 0) StrAppend(line, "; ", figures.resting, " to be tried again");
  const bool idle = figures.running == 0 && figures.resting == 0;
  if (idle && !figures.paused && !figures.store_away && !figures.draining) {
    line += "; waiting for jobs";
  }
  if (figures.paused) line += "; waiting for an engine";
  if (figures.store_away) line += "; waiting for the store";
  if (figures.draining) line += "; ending";
  return line;
}

async::Task<void> WorkView::Show(async::Context ctx) {
  while (!quiet_ && !ctx.cancelled()) {
    const std::string line = Line();
    if (progress_.due()) progress_.Show(line);
    (void)co_await async::Sleep(ctx, kViewLookEvery);
  }
}

void WorkView::TellEnd() {
  progress_.Clear();
  const jobs::WorkerFigures& figures = worker_.figures();
  std::string text = StrCat(CountedOf(Ends(figures, Ended::How::kDone)), " done");
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count > 0) StrAppend(text, ", ", count, " ", what);
  };
  add(Ends(figures, Ended::How::kFailed), "failed");
  add(Ends(figures, Ended::How::kAgain), "to be tried again");
  add(Ends(figures, Ended::How::kBack), "given back");
  std::uint64_t lost = 0;
  for (const jobs::WorkerFigures::Queue& queue : figures.queues) lost += queue.lost;
  add(lost, "lost with the lease");
  add(figures.answers_found, "answers found again");
  add(figures.repeated_calls, "calls asked again that were in flight when a worker stopped");
  terminal_.Note(text);
  if (failures_.empty()) return;
  std::vector<std::string> kinds;
  kinds.reserve(failures_.size());
  for (const auto& [error, count] : failures_) kinds.push_back(StrCat(count, " x ", error));
  terminal_.Note(StrCat("failed: ", Join(kinds, ", "), "; why: weir jobs status --failed", store_));
}

}  // namespace weir::cli
