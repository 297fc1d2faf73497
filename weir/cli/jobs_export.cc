#include "weir/cli/jobs_export.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/jobs_lines.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/out_file.h"
#include "weir/cli/progress_view.h"
#include "weir/cli/run_job.h"
#include "weir/flow/figures.h"

namespace weir::cli {
namespace {

using jobs::JobState;

constexpr std::size_t kWriteBytes = 1 << 20;
constexpr std::size_t kPageBytes = 4 << 20;
constexpr int kFirstPage = 50;
constexpr int kLargestPage = 2000;
constexpr auto kExportLookEvery = std::chrono::milliseconds(500);

struct ExportFlags {
  JobsFlags jobs;
  std::string out;
  std::string format = "jsonl";
  std::vector<std::string> states;
  bool attempts = false;
  bool wait = false;
};

// Where lines go.
class Sink {
 public:
  static Result<Sink> Open(const std::string& path, Terminal& terminal) {
    if (path.empty() || path == kStdin) return Sink(terminal, std::nullopt);
    WEIR_TRY(OutFile file, OutFile::Open(path));
    return Sink(terminal, std::move(file));
  }

  Result<void> Write(std::string_view text) {
    if (file_) return file_->Write(text);
    terminal_->Out(text);
    if (terminal_->out_error()) return Fail(*terminal_->out_error());  // which main.cc tells
    return {};
  }
  Result<void> Finish() { return file_ ? file_->Finish() : Result<void>(); }

 private:
  Sink(Terminal& terminal, std::optional<OutFile> file)
      : terminal_(&terminal), file_(std::move(file)) {}

  Terminal* terminal_;
  std::optional<OutFile> file_;
};

struct Exported {
  std::int64_t jobs = 0;
  std::int64_t ok = 0;
  std::int64_t failed = 0;
  bool stopped = false;
};

class Exporter {
 public:
  Exporter(Session& session, const ExportFlags& flags, jobs::JobStore& store,
           const jobs::QueueInfo& queue, std::vector<JobState> states)
      : session_(session),
        flags_(flags),
        store_(store),
        name_(queue.spec.name),
        selection_({.queue = queue.id,
                    .states = std::move(states),
                    .ids = {},
                    .error = {},
                    .older_than = {}}),
        progress_(session.terminal, session.env, clock_) {
    for (const JobState state : selection_.states) expected_ += CountOf(queue, state);
  }

  // False: somebody pressed Ctrl-C.
  Result<bool> WaitForEnd(const std::string& flag) {
    bool told = false;
    for (;;) {
      WEIR_TRY(const jobs::QueueInfo queue, FindQueue(store_, name_));
      const std::int64_t open = OpenJobsOf(queue);
      if (open == 0) break;
      WEIR_TRY(const std::vector<jobs::WorkerInfo> workers, store_.Workers());
      if (workers.empty() && !told) {
        progress_.Clear();
        session_.terminal.Warn(StrCat("queue ", name_, " has ", CountedJobs(open),
                                      " to do, and no worker is there; start one with: weir jobs "
                                      "work",
                                      flag));
      }
      told = workers.empty();
      if (progress_.due()) progress_.Show(Waiting(queue, open));
      interrupt_.Wait(kExportLookEvery);
      if (interrupt_.asked()) return false;
    }
    progress_.Clear();
    return true;
  }

  Result<Exported> Write(Sink& sink) {
    JobColumns columns;
    if (flags_.format == "csv") {
      WEIR_CHECK(EachJob("looks for columns",
                         [&](const jobs::JobInfo& job) { return columns.Learn(job); }));
      WEIR_CHECK(sink.Write(columns.Header()));
    }
    std::string text;
    WEIR_CHECK(EachJob("exported", [&](const jobs::JobInfo& job) -> Result<void> {
      WEIR_CHECK(Append(text, job, columns));
      ++sum_.jobs;
      if (job.state == JobState::kDone) ++sum_.ok;
      if (job.state == JobState::kFailed) ++sum_.failed;
      if (text.size() < kWriteBytes) return {};
      WEIR_CHECK(sink.Write(text));
      text.clear();
      return {};
    }));
    progress_.Clear();
    if (sum_.stopped) return sum_;
    WEIR_CHECK(sink.Write(text));
    WEIR_CHECK(sink.Finish());
    return sum_;
  }

  void ClearProgress() { progress_.Clear(); }

 private:
  using TakeJob = std::function<Result<void>(const jobs::JobInfo&)>;

  // In the order of submission, a page at a time; large jobs make small pages.
  Result<void> EachJob(std::string_view what, const TakeJob& take) {
    jobs::JobId after = 0;
    int page = kFirstPage;
    std::int64_t seen = 0;
    for (;;) {
      WEIR_TRY(const std::vector<jobs::JobInfo> found, store_.List(selection_, after, page));
      if (found.empty()) return {};
      std::size_t bytes = 0;
      for (const jobs::JobInfo& job : found) {
        if (interrupt_.asked()) {
          sum_.stopped = true;
          return {};
        }
        WEIR_CHECK(take(job));
        bytes += job.row.size() + job.result.size() + job.metadata.size();
      }
      after = found.back().id;
      seen += static_cast<std::int64_t>(found.size());
      page = bytes > kPageBytes       ? std::max(page / 4, 1)
             : bytes < kPageBytes / 4 ? std::min(page * 2, kLargestPage)
                                      : page;
      if (progress_.due()) {
        progress_.Show(StrCat(what, ": ", flow::Grouped(static_cast<std::uint64_t>(seen)), " of ",
                              CountedJobs(std::max(expected_, seen))));
      }
    }
  }

  Result<void> Append(std::string& text, const jobs::JobInfo& job, const JobColumns& columns) {
    if (flags_.format == "csv") {
      columns.Append(text, job);
    } else if (flags_.format == kBatchFormat) {
      return AppendBatchLine(text, job);
    } else if (!flags_.attempts) {
      AppendJobLine(text, job, false);
    } else {
      WEIR_TRY(const std::optional<jobs::JobInfo> whole, store_.Find(job.id));
      AppendJobLine(text, whole.value_or(job), true);
    }
    return {};
  }

  static std::string Waiting(const jobs::QueueInfo& queue, std::int64_t open) {
    const auto figure = [&](JobState state) {
      return flow::Grouped(static_cast<std::uint64_t>(CountOf(queue, state)));
    };
    return StrCat("waits for ", CountedJobs(open), " of queue ", queue.spec.name, ": ",
                  figure(JobState::kRunning), " running, ", figure(JobState::kDone), " done, ",
                  figure(JobState::kFailed), " failed");
  }

  Session& session_;
  const ExportFlags& flags_;
  jobs::JobStore& store_;
  const std::string name_;
  const jobs::Selection selection_;
  std::int64_t expected_ = 0;  // jobs, when it began
  const SystemClock clock_;
  ProgressView progress_;
  const Interrupt interrupt_;
  Exported sum_;
};

Result<std::vector<JobState>> StatesOf(const ExportFlags& flags) {
  if (flags.states.empty()) return std::vector<JobState>{JobState::kDone, JobState::kFailed};
  WEIR_TRY(std::vector<JobState> states, ParseStates(flags.states));
  for (const JobState state : states) {
    if (state >= JobState::kDone) continue;
    return Fail(Code::kConfigError,
                StrCat("jobs that are ", jobs::StateName(state),
                       " have no result yet; --state takes done, failed and cancelled, and --wait "
                       "waits until all have ended"));
  }
  return states;
}

void TellEnd(Session& session, const ExportFlags& flags, const Exported& sum, std::int64_t open,
             const std::string& queue, const std::string& flag) {
  const Terminal& terminal = session.terminal;
  if (!flags.out.empty() && flags.out != kStdin) {
    terminal.Note(StrCat(CountedJobs(sum.jobs), " of queue ", queue,
                         sum.jobs == 1 ? " is in " : " are in ", flags.out));
  } else if (sum.jobs == 0) {
    terminal.Note(StrCat("no job of queue ", queue, " has ended that way"));
  }
  if (sum.failed > 0) {
    terminal.Note(StrCat(CountedJobs(sum.failed), " failed; why: weir jobs status --failed -q ",
                         queue, flag));
  }
  if (open > 0) {
    terminal.Note(
        StrCat(CountedJobs(open), " had not ended when this began; --wait waits for them"));
  }
}

int Export(Session& session, const ExportFlags& flags) {
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  if (const Result<void> file = CheckNoForm(flags.out, "a file, --format a form"); !file) {
    return stop(file.error());
  }
  if (flags.attempts && flags.format != "jsonl") {
    return stop({.code = Code::kConfigError, .message = "--attempts is for --format jsonl"});
  }
  Result<std::vector<JobState>> states = StatesOf(flags);
  if (!states) return stop(states.error());
  const Result<OpenedStore> opened = OpenJobs(flags.jobs, StoreUse::kLook, session);
  if (!opened) return stop(opened.error());
  Result<jobs::QueueInfo> queue = FindQueue(*opened->store, flags.jobs.queue);
  if (!queue) return stop(queue.error());
  Exporter exporter(session, flags, *opened->store, *queue, *std::move(states));
  if (flags.wait) {
    const Result<bool> ended = exporter.WaitForEnd(opened->flag);
    exporter.ClearProgress();
    if (!ended) return stop(ended.error());
    if (!*ended) {
      session.terminal.Note("stopped before all jobs had ended; nothing was written");
      return kExitCancelled;
    }
    queue = FindQueue(*opened->store, queue->spec.name);
    if (!queue) return stop(queue.error());
  }
  Result<Sink> sink = Sink::Open(flags.out, session.terminal);
  if (!sink) return stop(sink.error());
  const Result<Exported> sum = exporter.Write(*sink);
  exporter.ClearProgress();
  if (!sum && session.terminal.out_error()) return kExitFailed;
  if (!sum) return stop(sum.error());
  if (sum->stopped) {
    session.terminal.Note(flags.out.empty() || flags.out == kStdin
                              ? "stopped: what came to stdout is not all"
                              : "stopped; nothing was written");
    return kExitCancelled;
  }
  TellEnd(session, flags, *sum, OpenJobsOf(*queue), queue->spec.name, opened->flag);
  if (sum->failed == 0) return kExitOk;
  return sum->ok == 0 ? kExitFailed : kExitSomeFailed;
}

}  // namespace

void AddJobsExport(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<ExportFlags>();  // shared by what the command keeps
  CLI::App& command =
      AddCommand(jobs, "export", "Write what came of the jobs, in the order of submission");
  TextFlag(command, "-o,--out", flags->out,
           "a file, which is replaced when all of it is there; default: stdout");
  TextFlag(command, "--format", flags->format,
           "jsonl, csv, or openai-batch for jobs that were submitted so")
      .OneOf({"jsonl", "csv", std::string(kBatchFormat)});
  ListFlag(command, "--state", flags->states, "done, failed, cancelled; default: done,failed")
      .SplitAt(',');
  SwitchFlag(command, "--attempts", flags->attempts,
             "every try of every call too; each job is looked up, which is slower");
  SwitchFlag(command, "--wait", flags->wait, "wait until no job of the queue is open");
  AddStoreFlag(command, flags->jobs);
  AddQueueFlag(command, flags->jobs);
  SetRun(command, session, [flags, &session] { return Export(session, *flags); });
}

}  // namespace weir::cli
