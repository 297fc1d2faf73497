#include "weir/cli/jobs_submit.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <memory>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/interrupt.h"
#include "weir/cli/jobs_key.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/jobs_time.h"
#include "weir/cli/progress_view.h"
#include "weir/cli/run_job.h"
#include "weir/flow/batch.h"
#include "weir/flow/figures.h"
#include "weir/jobs/store_rules.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using jobs::JobState;

constexpr std::string_view kPromptsFormat = "prompts";
constexpr std::size_t kBatchJobs = 500;
constexpr std::size_t kBatchBytes = 4 << 20;
constexpr std::int64_t kBadRowsTold = 10;
constexpr auto kInterruptLookEvery = std::chrono::milliseconds(20);

struct SubmitFlags {
  JobsFlags jobs;
  RunJob job;  // the flow and its rows
  std::optional<std::int64_t> concurrency;
  std::optional<double> rate;
  std::optional<std::int64_t> max_crashes;
  std::optional<std::int64_t> max_attempts;
  std::optional<std::int64_t> priority;
  std::string at;
  std::string key;
  bool again = false;

  // Rows are jobs of prompts, a schema and a document: requests in other words.
  bool prompts() const { return job.format == kPromptsFormat; }
  // Rows are requests, and there is no flow.
  bool batch() const { return job.format == kBatchFormat || prompts(); }
};

Result<void> CheckSubmitFlags(const SubmitFlags& flags) {
  if (flags.batch() && (!flags.job.flow.empty() || !flags.job.files.empty())) {
    return Fail(
        Code::kConfigError,
        StrCat("the rows are requests of their own and have no flow; write weir jobs submit "
               "--format ",
               flags.job.format, " -i in.jsonl"));
  }
  if (!flags.batch() && flags.job.flow.empty()) {
    return Fail(Code::kConfigError,
                "there is no flow; give a file or a folder, e.g. weir jobs submit flow.yaml -i "
                "rows.jsonl");
  }
  if (!flags.job.input.empty() && !flags.job.files.empty()) {
    return Fail(Code::kConfigError, "rows come from -i or from --files, not from both");
  }
  if (!flags.key.empty() && !(flags.job.engine.empty() && flags.job.model.empty())) {
    return Fail(Code::kConfigError,
                "--engine and --model are part of the key that is made of whole rows; with --key "
                "FIELD the field alone is the key: leave one of them away");
  }
  for (const auto& [flag, value, least] : {std::tuple("--limit", flags.job.limit, 1),
                                           std::tuple("--concurrency", flags.concurrency, 0),
                                           std::tuple("--max-crashes", flags.max_crashes, 1),
                                           std::tuple("--max-attempts", flags.max_attempts, 1)}) {
    if (value && (*value < least || *value > 1'000'000'000)) {
      return Fail(Code::kConfigError,
                  StrCat(flag, " must be from ", least, " to 1000000000; got ", *value));
    }
  }
  if (flags.rate && (*flags.rate < 0 || *flags.rate > 1e9)) {
    return Fail(Code::kConfigError,
                StrCat("--rate must be from 0 to 1000000000; got ", *flags.rate));
  }
  if (flags.priority && !std::in_range<int>(*flags.priority)) {
    return Fail(Code::kConfigError, StrCat("--priority ", *flags.priority, " is too far from 0"));
  }
  return {};
}

std::optional<int> LimitOf(std::optional<std::int64_t> asked) {
  if (!asked || *asked == 0) return std::nullopt;
  return static_cast<int>(*asked);
}

// The queue as it is to be; what no flag says of a queue that is there stays.
Result<jobs::QueueSpec> SpecOf(const SubmitFlags& flags, const flow::Flow& flow,
                               jobs::JobStore& store, const Terminal& terminal) {
  jobs::QueueSpec spec;
  spec.name = flags.jobs.queue.empty() ? flow.name : flags.jobs.queue;
  spec.flow = flags.batch() ? std::string(kBatchFormat) : AbsolutePath(flags.job.flow);
  WEIR_TRY(spec.digest, DigestOfFlow(flow));
  WEIR_TRY(const std::vector<jobs::QueueInfo> queues, store.Queues());
  const auto known = std::ranges::find(queues, spec.name,
                                       [](const jobs::QueueInfo& one) { return one.spec.name; });
  if (known != queues.end()) {
    const std::int64_t open = OpenJobsOf(*known);
    if (known->spec.flow != spec.flow && open > 0) {
      return Fail(Code::kConfigError,
                  StrCat("queue ", spec.name, " has ", CountedJobs(open), " for ", known->spec.flow,
                         ", which would be done by ", spec.flow,
                         " instead; take another queue with -q, or wait until they are done"));
    }
    if (known->spec.digest != spec.digest && open > 0) {
      terminal.Note(
          StrCat("the flow has changed since; ", CountedJobs(open),
                 " that are open go by what it says now, once their workers are started anew; "
                 "rows of theirs that come again are done twice (weir jobs cancel --state queued "
                 "takes the old ones out)"));
    }
    spec.concurrency = known->spec.concurrency;
    spec.rate = known->spec.rate;
    spec.max_crashes = known->spec.max_crashes;
    spec.max_attempts = known->spec.max_attempts;
  }
  if (flags.concurrency) spec.concurrency = LimitOf(flags.concurrency);
  if (flags.rate) spec.rate = *flags.rate > 0 ? flags.rate : std::nullopt;
  if (flags.max_crashes) spec.max_crashes = static_cast<int>(*flags.max_crashes);
  if (flags.max_attempts) spec.max_attempts = static_cast<int>(*flags.max_attempts);
  return spec;
}

// From rows to jobs in the store.
class Submission {
 public:
  Submission(Session& session, const SubmitFlags& flags, const flow::Graph& graph, KeyRule rule,
             std::optional<std::int64_t> not_before, jobs::JobStore& store, jobs::QueueId queue)
      : session_(session),
        flags_(flags),
        graph_(graph),
        rule_(std::move(rule)),
        not_before_(not_before),
        store_(store),
        queue_(queue),
        progress_(session.terminal, session.env, clock_) {}

  // Until the end of the rows, or Ctrl-C.
  Result<void> Run(flow::RowSource& rows) {
    const Interrupt interrupt;
    const TimePoint begun = clock_.Now();
    for (;;) {
      while (!interrupt.asked() && rows.WouldWait()) {
        // What came through the pipe so far need not wait for the rest.
        WEIR_CHECK(Flush());
        interrupt.Wait(kInterruptLookEvery);
      }
      stopped_ = interrupt.asked();
      if (stopped_) break;
      WEIR_TRY(std::optional<flow::Row> row, rows.Next());
      if (!row) break;
      ++read_;
      if (Result<void> added = Add(*row); !added) TellBad(*row, added.error());
      if (batch_.size() >= kBatchJobs || bytes_ >= kBatchBytes) {
        WEIR_CHECK(Flush());
      }
      if (progress_.due()) progress_.Show(Progress(rows, clock_.Now() - begun));
    }
    progress_.Clear();
    return Flush();
  }

  void ClearProgress() { progress_.Clear(); }
  const jobs::Submitted& sum() const { return sum_; }
  std::int64_t bad() const { return bad_; }
  std::int64_t read() const { return read_; }
  bool stopped() const { return stopped_; }

 private:
  Result<void> Add(flow::Row& row) {
    WEIR_CHECK(flow::CheckRow(graph_, row));
    if (flags_.prompts()) {
      Result<json::Value> request = flow::PromptRequest(row.value);
      if (!request) {
        return Fail(Code::kInvalidRequest, StrCat(PlaceOf(row), ": ", request.error().message));
      }
      row.value = *std::move(request);
    }
    if (flags_.batch()) {
      if (const Result<model::Call> call = flow::BatchCall(row.value, {}); !call) {
        return Fail(Code::kInvalidRequest, StrCat(PlaceOf(row), ": ", call.error().message));
      }
    }
    Result<std::string> key = JobKey(rule_, row.value);
    if (!key) return Fail(Code::kInvalidRequest, StrCat(PlaceOf(row), ": ", key.error().message));
    jobs::NewJob job{.key = *std::move(key),
                     .row_id = row.id,
                     .row = json::Write(row.value),
                     .priority = static_cast<int>(flags_.priority.value_or(0)),
                     .not_before = not_before_};
    // One that no store takes would take the whole batch with it.
    if (const Result<void> good = jobs::CheckJobs({&job, 1}); !good) {
      return Fail(Code::kInvalidRequest, StrCat(PlaceOf(row), ": ", good.error().message));
    }
    bytes_ += job.key.size() + job.row_id.size() + job.row.size();
    batch_.push_back(std::move(job));
    return {};
  }

  Result<void> Flush() {
    if (batch_.empty()) return {};
    WEIR_TRY(const jobs::Submitted submitted, store_.Submit(queue_, batch_));
    sum_.accepted += submitted.accepted;
    sum_.known += submitted.known;
    batch_.clear();
    bytes_ = 0;
    return {};
  }

  static std::string PlaceOf(const flow::Row& row) {
    return row.place.empty() ? StrCat("row ", row.id) : row.place;
  }

  void TellBad(const flow::Row& row, const Error& error) {
    progress_.Clear();
    ++bad_;
    if (bad_ <= kBadRowsTold) session_.terminal.Warn(StrCat("no job: ", error.message));
    if (bad_ == kBadRowsTold) {
      session_.terminal.Note(
          StrCat("further rows that are no jobs, behind ", PlaceOf(row), ", are only counted"));
    }
  }

  std::string Progress(const flow::RowSource& rows, Duration passed) const {
    const double seconds = std::chrono::duration<double>(passed).count();
    std::string text =
        StrCat(CountedJobs(sum_.accepted), " submitted, ",
               flow::Rate(static_cast<double>(read_) / std::max(seconds, 0.001)), " rows a second");
    if (const auto part = rows.part_read()) {
      StrAppend(text, ", ", flow::Percent(*part), " of the input");
    }
    if (sum_.known > 0) {
      StrAppend(text, ", ", flow::Grouped(static_cast<std::uint64_t>(sum_.known)),
                " were there already");
    }
    return text;
  }

  Session& session_;
  const SubmitFlags& flags_;
  const flow::Graph& graph_;
  const KeyRule rule_;
  const std::optional<std::int64_t> not_before_;
  jobs::JobStore& store_;
  const jobs::QueueId queue_;
  const SystemClock clock_;
  ProgressView progress_;
  std::vector<jobs::NewJob> batch_;
  std::size_t bytes_ = 0;  // of the batch
  jobs::Submitted sum_;
  std::int64_t read_ = 0;
  std::int64_t bad_ = 0;
  bool stopped_ = false;
};

// "40 jobs submitted, 2 were there already (queue lint; 40 queued)"
std::string TextOf(const Submission& submission, const jobs::QueueInfo& queue) {
  const jobs::Submitted& sum = submission.sum();
  const auto figure = [](std::int64_t count) {
    return flow::Grouped(static_cast<std::uint64_t>(count));
  };
  std::string text = StrCat(CountedJobs(sum.accepted), " submitted");
  if (sum.known > 0) {
    StrAppend(text, ", ", figure(sum.known), sum.known == 1 ? " was" : " were", " there already");
  }
  if (submission.bad() > 0) {
    StrAppend(text, ", ", figure(submission.bad()), submission.bad() == 1 ? " row is" : " rows are",
              " no job");
  }
  StrAppend(text, " (queue ", queue.spec.name, "; ", figure(CountOf(queue, JobState::kQueued)),
            " queued");
  if (const std::int64_t waiting = CountOf(queue, JobState::kWaiting); waiting > 0) {
    StrAppend(text, ", ", figure(waiting), " waiting for their time");
  }
  return text + ")\n";
}

std::string JsonOf(const Submission& submission, const jobs::QueueInfo& queue,
                   const std::string& store) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("store", store);
  out.Field("queue", queue.spec.name);
  for (const auto& [name, count] :
       {std::pair("rows", submission.read()), std::pair("submitted", submission.sum().accepted),
        std::pair("known", submission.sum().known), std::pair("bad", submission.bad()),
        std::pair("queued", CountOf(queue, JobState::kQueued)),
        std::pair("waiting", CountOf(queue, JobState::kWaiting))}) {
    out.Key(name);
    out.Int(count);
  }
  out.Key("stopped");
  out.Bool(submission.stopped());
  out.EndObject();
  return text + "\n";
}

// What a person may want to do next.
void TellNext(Session& session, const SubmitFlags& flags, const Submission& submission,
              const OpenedStore& opened, const jobs::QueueInfo& queue) {
  const Terminal& terminal = session.terminal;
  const jobs::Submitted& sum = submission.sum();
  if (submission.stopped()) {
    const auto rows = flow::Counted(static_cast<std::uint64_t>(submission.read()), "row", "rows");
    terminal.Note(flags.again
                      ? StrCat("stopped after ", rows,
                               "; the same command would make their jobs once more: go on with "
                               "the rows behind them")
                      : StrCat("stopped after ", rows,
                               "; the same command goes on: jobs that are there already stay as "
                               "they are"));
    return;
  }
  if (submission.read() == 0)
    return terminal.Warn("there were no rows; name a file of them with -i");
  if (sum.accepted == 0 && sum.known > 0 && submission.bad() == 0) {
    terminal.Note(StrCat("every row was there already, whatever came of it: weir jobs retry",
                         opened.flag, " tries failed ones again, --again makes new jobs"));
  }
  if (!flags.job.engine.empty() || !flags.job.model.empty()) {
    terminal.Note(
        StrCat("-e and -m tell these jobs from others; what answers them is for the worker to say: "
               "weir jobs work -e ENGINE",
               opened.flag));
  }
  const Result<std::vector<jobs::WorkerInfo>> workers = opened.store->Workers();
  if (workers && workers->empty() && OpenJobsOf(queue) > 0) {
    terminal.Note(StrCat("no worker is there; start one with: weir jobs work", opened.flag));
  }
}

int ExitOf(const Submission& submission) {
  if (submission.stopped()) return kExitCancelled;
  if (submission.bad() == 0) return kExitOk;
  return submission.bad() == submission.read() ? kExitFailed : kExitSomeFailed;
}

std::string NewSalt() {
  Random random = Random::FromSystem();
  return HexId(random, 16);
}

flow::RowOptions PromptRows(const SubmitFlags& flags, const Session& session) {
  flow::RowOptions options{.id = "id", .same_ids = true};
  options.on_notice = [&session](std::string_view text) { session.terminal.Note(text); };
  if (flags.job.limit) options.limit = static_cast<std::uint64_t>(*flags.job.limit);
  return options;
}

int Submit(Session& session, const SubmitFlags& given) {
  SubmitFlags flags = given;
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  if (const Result<void> good = CheckSubmitFlags(flags); !good) return stop(good.error());
  std::optional<std::int64_t> not_before;
  if (!flags.at.empty()) {
    const Result<std::int64_t> at = ParseMoment(flags.at, SystemClock().WallNanos() / 1'000'000);
    if (!at) return stop(at.error());
    not_before = *at;
  }
  const Result<LoadedFlow> loaded =
      LoadQueueFlow(flags.batch() ? std::string(kBatchFormat) : flags.job.flow, flags.job.engine,
                    flags.job.model, session);
  if (!loaded) return stop(loaded.error());
  const Result<void> sound = TellProblems(CheckLoaded(*loaded, session), session.terminal);
  if (!sound) return stop(sound.error());
  const flow::Flow& flow = loaded->graph.flow();
  const bool named = !flags.job.input.empty() || !flags.job.files.empty();
  if (!named && !flow.files && !session.terminal.in_is_terminal()) flags.job.input = kStdin;
  flags.job.same_ids = true;  // memory would grow with the rows otherwise
  const Result<std::unique_ptr<flow::RowSource>> rows =
      flags.prompts()
          ? flow::OpenRows(flags.job.input.empty() ? std::string(kStdin) : flags.job.input,
                           PromptRows(flags, session))
          : RowsOf(flags.job, loaded->graph, session);
  if (!rows) return stop(rows.error());

  const Result<StoreChoice> choice = ChooseStore(flags.jobs.store, &loaded->config, session);
  if (!choice) return stop(choice.error());
  const Result<OpenedStore> opened = OpenJobs(*choice, StoreUse::kMake, {}, session);
  if (!opened) return stop(opened.error());
  jobs::JobStore& store = *opened->store;
  const Result<jobs::QueueSpec> spec = SpecOf(flags, flow, store, session.terminal);
  if (!spec) return stop(spec.error());
  const Result<jobs::QueueId> queue = store.Declare(*spec);
  if (!queue) return stop(queue.error());
  const KeyRule rule{.digest = spec->digest,
                     .engine = flags.job.engine,
                     .model = flags.job.model,
                     .field = flags.key,
                     .salt = flags.again ? NewSalt() : std::string()};
  Submission submission(session, flags, loaded->graph, rule, not_before, store, *queue);
  if (const Result<void> done = submission.Run(**rows); !done) {
    submission.ClearProgress();
    if (submission.sum().accepted > 0) {
      session.terminal.Note(StrCat(CountedJobs(submission.sum().accepted),
                                   " of them are in the store; give the same command again once "
                                   "this is mended"));
    }
    return stop(done.error());
  }
  const Result<jobs::QueueInfo> now = FindQueue(store, spec->name);
  if (!now) return stop(now.error());
  session.terminal.Out(flags.jobs.json() ? JsonOf(submission, *now, store.Where())
                                         : TextOf(submission, *now));
  if (submission.sum().known > 0 && (flags.priority || not_before)) {
    session.terminal.Note("jobs that were there already keep their priority and their time");
  }
  TellNext(session, flags, submission, *opened, *now);
  return ExitOf(submission);
}

}  // namespace

void AddJobsSubmit(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<SubmitFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(jobs, "submit", "Queue rows for a flow, each as a job");
  RunJob& job = flags->job;
  TextFlag(command, "flow", job.flow, "FILE, FILE#NAME or a folder with a flow.yaml").Shows("FLOW");
  TextFlag(command, "-i,--input", job.input,
           "rows: .jsonl, .csv, .tsv, .json, also .gz, or - for stdin");
  TextFlag(command, "--files", job.files, "rows of files: a glob such as 'texts/**/*.txt'");
  NumberFlag(command, "--limit", job.limit, "only the first N rows");
  TextFlag(command, "--format", job.format,
           "of rows that have no flow; openai-batch: requests of a batch file; "
           "prompts: jobs {id, prompts: {system, user}, schema, document_text}")
      .OneOf({"jsonl", std::string(kBatchFormat), std::string(kPromptsFormat)});
  AddStoreFlag(command, flags->jobs);
  TextFlag(command, "-q,--queue", flags->jobs.queue, "the queue; default: the flow's name");
  NumberFlag(command, "--priority", flags->priority, "jobs of a higher one go first; default: 0");
  TextFlag(command, "--at", flags->at, "not before: 2026-01-31T23:59Z, or +10m from now");
  TextFlag(command, "--key", flags->key,
           "a field of the row: jobs with the same value are one, whatever else differs");
  TextFlag(command, "-e,--engine", job.engine,
           "part of the key: the same rows for another engine are other jobs");
  TextFlag(command, "-m,--model", job.model, "the same of a model");
  SwitchFlag(command, "--again", flags->again, "new jobs, also of rows that were submitted before");
  NumberFlag(command, "--concurrency", flags->concurrency,
             "jobs of the queue that run at once, over all workers; 0: no limit");
  NumberFlag(command, "--rate", flags->rate, "jobs that begin in a second, the same; 0: no limit");
  NumberFlag(command, "--max-attempts", flags->max_attempts,
             "a job that failed so often is given up; default: 3");
  NumberFlag(command, "--max-crashes", flags->max_crashes,
             "so is one under which so many workers died; default: 3");
  AddOutputFlag(command, flags->jobs);
  SetRun(command, session, [flags, &session] { return Submit(session, *flags); });
}

}  // namespace weir::cli
