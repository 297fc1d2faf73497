#include "weir/cli/jobs_status.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>

#include "weir/async/context.h"
#include "weir/async/signals.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/full_screen.h"
#include "weir/cli/jobs_board.h"
#include "weir/cli/jobs_show.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/run_view.h"
#include "weir/cli/work.h"

namespace weir::cli {
namespace {

constexpr Duration kStatusLookEvery = std::chrono::seconds(1);
constexpr Duration kWatchPatience = std::chrono::seconds(3);
constexpr int kPage = 200;

struct StatusFlags {
  JobsFlags jobs;
  std::string job;
  bool failed = false;
  bool watch = false;
};

Result<JobsMoment> LookAt(jobs::JobStore& store, const std::string& queue) {
  JobsMoment moment{.store = store.Where(), .queues = {}, .workers = {}};
  WEIR_TRY(moment.queues, store.Queues());
  if (!queue.empty()) {
    WEIR_TRY(const jobs::QueueInfo only, FindQueue(store, queue));
    moment.queues = {only};
  }
  std::ranges::sort(moment.queues, {}, [](const jobs::QueueInfo& one) { return one.spec.name; });
  WEIR_TRY(moment.workers, store.Workers());
  return moment;
}

std::string Joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) StrAppend(text, line, "\n");
  return text;
}

ShowJobOptions ShowOptions(const Session& session, const OpenedStore& opened) {
  const Terminal& terminal = session.terminal;
  return {.width = terminal.table_width(),
          .colour = terminal.out_has_colour(),
          .unicode = SpeaksUnicode(session.env),
          .store = opened.flag};
}

int ShowQueues(Session& session, const StatusFlags& flags, const OpenedStore& opened) {
  const Result<JobsMoment> moment = LookAt(*opened.store, flags.jobs.queue);
  if (!moment) return StopJobs(session, flags.jobs, moment.error());
  const ShowJobOptions shown = ShowOptions(session, opened);
  session.terminal.Out(flags.jobs.json() ? JobsJson(*moment, nullptr)
                                         : Joined(JobsLines(*moment, nullptr,
                                                            {.width = shown.width,
                                                             .colour = shown.colour,
                                                             .unicode = shown.unicode,
                                                             .store = shown.store})));
  return kExitOk;
}

int ShowJob(Session& session, const StatusFlags& flags, const OpenedStore& opened) {
  jobs::JobStore& store = *opened.store;
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  const Result<jobs::JobInfo> job = FindJob(store, flags.job);
  if (!job) return stop(job.error());
  const Result<std::vector<jobs::QueueInfo>> queues = store.Queues();
  if (!queues) return stop(queues.error());
  const auto queue = std::ranges::find(*queues, job->queue, &jobs::QueueInfo::id);
  const std::string name = queue == queues->end() ? std::string() : queue->spec.name;
  session.terminal.Out(flags.jobs.json() ? JobJson(*job, name)
                                         : JobText(*job, name, ShowOptions(session, opened)));
  return kExitOk;
}

int ShowFailed(Session& session, const StatusFlags& flags, const OpenedStore& opened) {
  jobs::JobStore& store = *opened.store;
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  const Result<jobs::QueueInfo> queue = FindQueue(store, flags.jobs.queue);
  if (!queue) return stop(queue.error());
  jobs::Selection selection;
  selection.queue = queue->id;
  selection.states = {jobs::JobState::kFailed};
  DeadLetters letters;
  for (jobs::JobId after = 0;;) {
    const Result<std::vector<jobs::JobInfo>> page = store.List(selection, after, kPage);
    if (!page) return stop(page.error());
    if (page->empty()) break;
    for (const jobs::JobInfo& job : *page) letters.Add(job);
    after = page->back().id;
  }
  if (flags.jobs.json()) {
    session.terminal.Out(letters.Json(queue->spec.name));
  } else if (letters.jobs() == 0) {
    session.terminal.Out(StrCat("no job of queue ", queue->spec.name, " has failed\n"));
  } else {
    session.terminal.Out(letters.Text(queue->spec.name, ShowOptions(session, opened)));
  }
  return kExitOk;
}

// A moment each second until Ctrl-C.
class Watcher {
 public:
  Watcher(Session& session, const StatusFlags& flags, const OpenedStore& opened)
      : session_(session),
        flags_(flags),
        opened_(opened),
        store_(*opened.store),
        work_(loop_, std::vector<TraceSink*>()),
        ctx_(work_.NewContext({})) {}

  // On the whole terminal, until somebody quits.
  int OnScreen() {
    bool hung_up = false;
    const async::SignalWatch hangup(loop_, {SIGHUP}, [&](int) { hung_up = true; });
    FullScreen screen(session_.terminal);
    TimePoint next = loop_.Now();
    for (;;) {
      if (loop_.Now() >= next) {
        Look();
        next = loop_.Now() + kStatusLookEvery;
      }
      screen.Draw(Frame());
      if (screen.ReadKeys().find_first_of("qQ") != std::string::npos) return kExitOk;
      const bool over = hung_up || session_.terminal.out_error();
      if (over || !loop_.Run(async::Sleep(ctx_, kScreenTick))) return kExitOk;
    }
  }

  // As JSON lines.
  int Stream() {
    for (;;) {
      Look();
      if (error_) return StopJobs(session_, flags_.jobs, *error_);
      session_.terminal.Out(JobsJson(moment_, &rates_));
      if (session_.terminal.out_error()) return kExitFailed;
      if (!loop_.Run(async::Sleep(ctx_, kStatusLookEvery))) return kExitOk;
    }
  }

 private:
  void Look() {
    Result<JobsMoment> moment = LookAt(store_, flags_.jobs.queue);
    error_ = moment ? std::nullopt : std::optional(moment.error());
    if (!moment) return;
    moment_ = *std::move(moment);
    rates_.Sample(moment_.queues, loop_.Now());
    time_ = FormatWallTime(loop_.WallNanos()).substr(11, 8);
  }

  std::vector<std::string> Frame() const {
    const Terminal::Size size = session_.terminal.size();
    const bool unicode = SpeaksUnicode(session_.env);
    const std::string_view dot = unicode ? " · " : " - ";
    return JobsLines(
        moment_, &rates_,
        {.width = size.width - 1,
         .height = size.height - 1,
         .colour = session_.terminal.out_has_colour(),
         .unicode = unicode,
         .title = StrCat("weir jobs", dot, store_.Where(), dot, time_, " UTC"),
         .note = error_ ? StrCat("as it was then; the store does not answer: ", error_->message)
                        : std::string(),
         .keys = true,
         .store = opened_.flag});
  }

  Session& session_;
  const StatusFlags& flags_;
  const OpenedStore& opened_;
  jobs::JobStore& store_;
  async::Loop loop_;
  Work work_;
  const async::Context ctx_;
  JobsMoment moment_;
  JobsRates rates_;
  std::string time_;
  std::optional<Error> error_;  // of the last look
};

int Status(Session& session, const StatusFlags& flags) {
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  if (static_cast<int>(flags.watch) + static_cast<int>(flags.failed) +
          static_cast<int>(!flags.job.empty()) >
      1) {
    return stop(Error{.code = Code::kConfigError,
                      .message = "--watch, --failed and --job show different things: take one"});
  }
  const Result<StoreChoice> choice = ChooseStore(flags.jobs.store, nullptr, session);
  if (!choice) return stop(choice.error());
  jobs::StoreOptions options;
  if (flags.watch) options.patience = kWatchPatience;
  const Result<OpenedStore> opened = OpenJobs(*choice, StoreUse::kLook, options, session);
  if (!opened) return stop(opened.error());
  if (!flags.job.empty()) return ShowJob(session, flags, *opened);
  if (flags.failed) return ShowFailed(session, flags, *opened);
  if (!flags.watch) return ShowQueues(session, flags, *opened);
  if (!flags.jobs.queue.empty()) {
    const Result<jobs::QueueInfo> known = FindQueue(*opened->store, flags.jobs.queue);
    if (!known) return stop(known.error());
  }
  Watcher watcher(session, flags, *opened);
  if (flags.jobs.json()) return watcher.Stream();
  if (session.terminal.out_has_cursor()) return watcher.OnScreen();
  session.terminal.Warn(
      "--watch wants a terminal, or -o json for a line each second; this is one moment");
  return ShowQueues(session, flags, *opened);
}

}  // namespace

void AddJobsStatus(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<StatusFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(jobs, "status", "Show queues, workers, a job, or what failed");
  TextFlag(command, "--job", flags->job, "all that is known of the job of this number");
  SwitchFlag(command, "--failed", flags->failed, "the jobs that failed, by error, and what to do");
  SwitchFlag(command, "--watch", flags->watch, "go on, each second, until q or Ctrl-C");
  AddStoreFlag(command, flags->jobs);
  TextFlag(command, "-q,--queue", flags->jobs.queue, "this queue only");
  AddOutputFlag(command, flags->jobs);
  SetRun(command, session, [flags, &session] { return Status(session, *flags); });
}

}  // namespace weir::cli
