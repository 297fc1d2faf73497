#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/cli/approver.h"
#include "weir/cli/flags.h"
#include "weir/cli/flow_files.h"
#include "weir/cli/input.h"
#include "weir/cli/listeners.h"
#include "weir/cli/out_file.h"
#include "weir/cli/review_actions.h"
#include "weir/cli/run_batch.h"
#include "weir/cli/run_events.h"
#include "weir/cli/run_job.h"
#include "weir/cli/run_plan.h"
#include "weir/cli/run_report.h"
#include "weir/cli/run_summary.h"
#include "weir/cli/run_view.h"
#include "weir/cli/work.h"
#include "weir/client/engine_host.h"
#include "weir/config/show.h"
#include "weir/flow/figures.h"
#include "weir/flow/read.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"

namespace weir::cli {
namespace {

constexpr int kLogWidth = 160;  // of a table that goes into a file or a pipe

struct RunFlags {
  RunJob job;
  std::string resume;
  bool retry_failed = false;
  bool dry_run = false;
  bool json_logs = false;
  bool quiet = false;
};

// What the flags say now wins over what the run began with, where that may change.
Result<RunJob> ResumedJob(const RunFlags& flags) {
  WEIR_TRY(const json::Value run, flow::RunFolder::ReadRun(flags.resume));
  WEIR_TRY(RunJob job, JobOf(run, flags.resume));
  job.retry_failed = flags.retry_failed;
  const RunJob& asked = flags.job;
  const char* fixed = !asked.engine.empty()      ? "--engine"
                      : asked.seed               ? "--seed"
                      : asked.limit              ? "--limit"
                      : !asked.files.empty()     ? "--files"
                      : !asked.model.empty()     ? "--model"
                      : asked.max_lines_per_file ? "--max-lines-per-file"
                                                 : nullptr;
  if (fixed != nullptr) {
    return Fail(Code::kConfigError,
                StrCat(fixed,
                       " cannot change in the middle of a run; leave it away, or start a "
                       "new run with another -o"));
  }
  if (!flags.job.flow.empty()) job.flow = flags.job.flow;
  if (!flags.job.input.empty()) job.input = flags.job.input;
  job.auto_accept = flags.job.auto_accept;
  if (flags.job.concurrency) job.concurrency = flags.job.concurrency;
  if (flags.job.batch_size) job.batch_size = flags.job.batch_size;
  if (flags.job.max_total_tokens) job.max_total_tokens = flags.job.max_total_tokens;
  if (!flags.job.warmup) job.warmup = false;
  // Secrets among them are not in run.json, and have to be given again.
  if (!flags.job.set.empty()) job.set = flags.job.set;
  return job;
}

// A batch is a run of its own flow; its folder stands beside the file that comes out.
Result<RunJob> NewBatch(RunJob job) {
  if (job.input == "-") {
    return Fail(Code::kConfigError,
                "a batch is read twice, once to be asked and once to be written: give a file with "
                "-i, not stdin");
  }
  if (!job.flow.empty() || job.input.empty() || job.folder.empty()) {
    return Fail(Code::kConfigError,
                "a batch has requests of its own and no flow; write weir run --format openai-batch "
                "-i in.jsonl -o out.jsonl -e ENGINE");
  }
  std::error_code ignored;
  if (std::filesystem::exists(job.folder, ignored)) {
    return Fail(Code::kConfigError,
                StrCat(job.folder, " is there already; choose another -o, or remove it"));
  }
  job.batch_file = job.folder;
  job.folder += ".run";
  job.flattened = false;
  return job;
}

Result<RunJob> NewJob(const RunFlags& flags, const Session& session) {
  RunJob job = flags.job;
  WEIR_CHECK(CheckNoForm(job.folder, job.format == kBatchFormat
                                         ? "the file of answers"
                                         : "the run's folder, --format the form of results"));
  if (job.format == kBatchFormat) return NewBatch(std::move(job));
  if (!job.model.empty()) {
    return Fail(Code::kConfigError,
                "--model is for --format openai-batch; steps of a flow have `model:`");
  }
  if (job.flow.empty()) {
    return Fail(Code::kConfigError,
                "there is no flow; give a file or a folder, e.g. weir run flow.yaml -i rows.jsonl, "
                "or go on with a run: weir run --resume DIR");
  }
  if (!job.input.empty() && !job.files.empty()) {
    return Fail(Code::kConfigError, "rows come from -i or from --files, not from both");
  }
  if (job.input.empty() && job.files.empty() && !session.terminal.in_is_terminal()) {
    WEIR_TRY(const flow::Flow flow, flow::ReadFlow(job.flow));
    if (!flow.files) job.input = "-";
  }
  if (job.folder.empty()) job.folder = NewRunFolder(SystemClock().WallNanos());
  return job;
}

json::Value InfoOf(const RunJob& job, const LoadedFlow& loaded) {
  json::Builder out;
  out.BeginObject();
  out.Key("weir");
  out.String(kVersion);
  out.Key("flow_name");
  out.String(loaded.graph.flow().name);
  out.Key("job");
  out.Copy(JobJson(job));
  if (const auto config = json::Read(config::ShowJson(loaded.config))) {
    out.Key("config");
    out.Copy(*config);
  }
  out.EndObject();
  return std::move(out).Finish();
}

Result<flow::RunFolder> OpenFolder(const RunJob& job, const LoadedFlow& loaded, bool sent_back,
                                   const flow::RunStats& stats, const async::Loop& loop,
                                   const Session& session) {
  flow::FolderOptions options;
  options.format = job.format == "csv" ? flow::OutputFormat::kCsv : flow::OutputFormat::kJsonLines;
  options.flattened = job.flattened;
  if (job.max_lines_per_file) {
    options.max_lines_per_file = static_cast<std::size_t>(*job.max_lines_per_file);
  }
  options.totals = [&stats, &loop] { return stats.KeptJson(loop.Now()); };
  WEIR_TRY(flow::Identity identity, IdentityOf(job, loaded, session));
  options.retry_failed = job.retry_failed;
  options.retry_sent_back = sent_back;
  if (job.resumed) {
    return flow::RunFolder::Resume(job.folder, loaded.graph, std::move(identity),
                                   std::move(options));
  }
  return flow::RunFolder::Create(job.folder, loaded.graph, std::move(identity), InfoOf(job, loaded),
                                 std::move(options));
}

// The configuration with what the flags change in it.
Result<config::EngineConfig> ChosenEngineOf(const LoadedFlow& loaded, const RunJob& job,
                                            const Session& session) {
  const auto role = loaded.config.routes.roles.find(job.engine);
  const bool routed = role != loaded.config.routes.roles.end() && !role->second.empty();
  std::string name = routed ? role->second.front() : job.engine;
  if (name.empty()) name = loaded.graph.flow().engine;
  if (!name.empty() && loaded.config.routes.roles.contains(name)) name.clear();
  return config::ResolveEngine(loaded.config, name, session.env);
}

// That of all engines that the run asks and that have prices; empty when it is not the same one.
std::string CurrencyOf(const LoadedFlow& loaded, const RunJob& job,
                       const client::EngineHost& host) {
  std::vector<std::string> names = flow::EnginesOf(loaded.graph);
  if (!job.engine.empty()) names = {job.engine};
  std::set<std::string> currencies;
  for (const std::string& name : names) {
    const auto role = loaded.config.routes.roles.find(name.empty() ? "default" : name);
    std::vector<std::string> asked = {name};
    if (role != loaded.config.routes.roles.end() && !role->second.empty()) asked = role->second;
    for (const std::string& one : asked) {
      const config::EngineConfig* const engine = host.Find(one);
      if (engine != nullptr && engine->prices.known()) currencies.insert(engine->prices.currency);
    }
  }
  return currencies.size() == 1 ? *currencies.begin() : "";
}

int ExitOf(const flow::RunResult& result, const flow::RunStats& stats) {
  if (result.end == flow::RunResult::End::kCancelled) return kExitCancelled;
  if (result.error) return ExitCode(*result.error);
  if (stats.rows_failed == 0) return kExitOk;
  return stats.rows_ok == 0 ? kExitFailed : kExitSomeFailed;
}

// Where things are, and how to go on.
void TellEnd(const flow::RunResult& result, const flow::RunStats& stats, const RunJob& job,
             bool reported, Session& session) {
  const Terminal& terminal = session.terminal;
  if (stats.rows_read == 0 && stats.rows_input == 0 && !job.resumed && !result.error)
    terminal.Warn(job.input.empty() || job.input == "-"
                      ? std::string("there were no rows; name a file of them with -i")
                      : StrCat("there are no rows in ", job.input));
  if (result.end == flow::RunResult::End::kCancelled) {
    terminal.Note(StrCat("stopped; go on with: weir run --resume ", job.folder));
  } else if (result.error) {
    terminal.Problem(*result.error);
    if (stats.rows_read > 0 && result.error->code != Code::kBudgetExceeded) {
      terminal.Note(StrCat("go on, once that is mended, with: weir run --resume ", job.folder));
    }
  }
  if (stats.rows_failed > 0) {
    terminal.Note(StrCat(flow::Grouped(stats.rows_failed), " of ",
                         flow::Counted(stats.rows_done, "row", "rows"), " failed; all are in ",
                         job.folder, "/errors.jsonl"));
    for (const std::string& line : FailureLines(stats)) terminal.Note(StrCat("  ", line));
    if (!result.error) {
      terminal.Note(
          stats.rows_wrong == stats.rows_failed
              ? "the rows themselves are wrong: mend them, and start a new run with "
                "another -o"
              : StrCat("try them again with: weir run --resume ", job.folder, " --retry-failed"));
    }
  }
  if (!reported) return;
  const std::string& results = job.batch_file.empty() ? job.folder : job.batch_file;
  terminal.Note(
      StrCat("results are in ", results, ", and ", job.folder, "/report.html shows how it went"));
}

std::string SummaryOf(const Session& session, const flow::Graph& graph, const flow::RunStats& stats,
                      TimePoint now) {
  return RunSummary(graph, stats, now,
                    {.width = session.terminal.err_is_terminal() ? StderrSize().width : kLogWidth,
                     .colour = session.terminal.err_has_colour(),
                     .unicode = SpeaksUnicode(session.env)});
}

std::optional<std::uint64_t> LimitOf(const RunJob& job) {
  if (!job.limit) return std::nullopt;
  return static_cast<std::uint64_t>(*job.limit);
}

// What programs of the flow say on stderr, which would tear the view apart: programs.log.
class ProgramLog {
 public:
  ProgramLog(const std::string& folder, const flow::Graph& graph) {
    const bool needed = std::ranges::any_of(graph.all(), [](const flow::GraphNode* node) {
      return node->apply() != nullptr && node->apply()->program;
    });
    if (!needed) return;
    fd_ =
        ::open((folder + "/programs.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }
  ProgramLog(const ProgramLog&) = delete;
  ProgramLog& operator=(const ProgramLog&) = delete;
  ~ProgramLog() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }

 private:
  int fd_ = -1;  // then it goes nowhere
};

// What agents have changed waits for a person, unless that was said beforehand.
void EndReview(const RunJob& job, Session& session, const Clock& clock) {
  std::error_code ignored;
  if (!std::filesystem::exists(job.folder + "/workspaces/base", ignored)) return;
  Result<std::unique_ptr<ReviewActions>> actions =
      ReviewActions::Open(job.folder, session.terminal, clock);
  if (!actions) return session.terminal.Problem(actions.error());
  if (job.auto_accept) {
    const auto pending = (*actions)->Choose({"all"});
    if (!pending) return session.terminal.Problem(pending.error());
    for (const agent::ReviewItem* item : *pending) (void)(*actions)->Accept(*item, {});
  }
  (*actions)->TellRest();
}

int Execute(Session& session, const RunFlags& flags, const RunJob& job, LoadedFlow loaded) {
  async::Loop loop;  // outlives the connections of the fleet
  Result<flow::RunOptions> options = OptionsOf(job, loaded, session);
  if (!options) return Refuse(session, options.error());
  Result<std::unique_ptr<flow::RowSource>> rows = RowsOf(job, loaded.graph, session);
  if (!rows) return Refuse(session, rows.error());
  const Result<config::EngineConfig> chosen = ChosenEngineOf(loaded, job, session);
  if (!chosen) return Refuse(session, chosen.error());
  const async::Context opening(loop);
  Result<std::unique_ptr<client::EngineHost>> host =
      loop.Run(client::EngineHost::Open(opening, {.config = loaded.config,
                                                  .chosen = *chosen,
                                                  .asked = flow::EnginesOf(loaded.graph),
                                                  .env = session.env}));
  if (!host) return Refuse(session, host.error());
  if (flags.dry_run) return ShowPlan(loop, session, loaded, **rows, **host, *options);

  flow::RunStats stats(loaded.graph);
  stats.currency = CurrencyOf(loaded, job, **host);
  Result<flow::RunFolder> folder =
      OpenFolder(job, loaded, !options->sent_back.empty(), stats, loop, session);
  if (!folder) return Refuse(session, folder.error());
  if (job.retry_failed && folder->progress().finished) {
    session.terminal.Note("no row had failed: there is nothing to try again");
  }
  const ProgramLog program_log(job.folder, loaded.graph);
  options->program_errors = program_log.fd();
  Result<std::unique_ptr<RunEvents>> events =
      RunEvents::Open(loop, job.folder + "/events.jsonl",
                      [&session](const Error& error) { session.terminal.Warn(error.message); });
  if (!events) return Refuse(session, events.error());
  Result<Listeners> listeners = Listeners::Open(loop, loaded.config.events, "", session);
  if (!listeners) return Refuse(session, listeners.error());

  const bool asks = WantsApproval(loaded.graph) && session.terminal.in_is_terminal() &&
                    session.terminal.err_is_terminal() && job.input != "-";
  if (!asks && WantsApproval(loaded.graph)) {
    session.terminal.Warn(
        "tools of this flow ask before they run, and nobody can be asked here: those calls are "
        "denied (run it on a terminal, or say approval: auto)");
  }
  // What a person types would stand in the middle of a live view.
  const ViewKind kind = asks              ? ViewKind::kPlain
                        : flags.json_logs ? ViewKind::kJson
                        : flags.quiet     ? ViewKind::kNone
                                          : UsualView(session.terminal, session.env);
  const std::unique_ptr<RunView> view =
      NewRunView(loop, session.terminal, loaded.graph, stats, kind, session.env);
  RunWarnings warnings(*view);
  std::vector<TraceSink*> sinks = listeners->sinks();
  sinks.push_back(events->get());
  sinks.push_back(&warnings);
  if (view->sink() != nullptr) sinks.push_back(view->sink());
  Work work(loop, sinks);
  TimelineKeeper timeline(loop, stats);
  TerminalApprover approver([&view](std::string_view text) { view->Above(text); });
  if (asks) options->approver = &approver;
  stats.started = loop.Now();  // the view draws before the run begins
  view->Begin();
  const flow::RunResult result = loop.Run(
      flow::Run(work.NewContext({}), loaded.graph, **rows, *folder, **host, *options, stats));
  const flow::Timeline& line = timeline.End();
  const bool answered = stats.session.calls > 0 || stats.rows_done > 0;
  // Nothing is lost, and there is nothing to sum up: the same command can be given again.
  const bool in_vain = result.error && !answered && stats.pass == 0 && !job.resumed;
  if (in_vain) {
    view->Withdraw();
  } else {
    view->End(kind == ViewKind::kJson ? "" : SummaryOf(session, loaded.graph, stats, loop.Now()));
  }
  listeners->Finish(session.terminal);
  const bool reported = WriteReport(job, loaded, stats, line, loop.Now(), session);
  if (!job.batch_file.empty() && result.end == flow::RunResult::End::kDone) {
    const Result<void> written =
        WriteBatchFile(job.folder, job.input, LimitOf(job), job.batch_file);
    if (!written) return Refuse(session, written.error());
  }
  if (in_vain) {
    session.terminal.Problem(*result.error);
    std::error_code ignored;
    std::filesystem::remove_all(job.folder, ignored);
    return ExitOf(result, stats);
  }
  if (!result.error) EndReview(job, session, loop);
  if (kind != ViewKind::kJson) TellEnd(result, stats, job, reported, session);
  return ExitOf(result, stats);
}

int Run(Session& session, const RunFlags& flags) {
  const Result<RunJob> job = flags.resume.empty() ? NewJob(flags, session) : ResumedJob(flags);
  if (!job) return Refuse(session, job.error());
  Result<LoadedFlow> loaded = job->format == kBatchFormat
                                  ? LoadBatch(job->engine, job->model, session)
                                  : LoadFlow(job->flow, session);
  if (!loaded) return Refuse(session, loaded.error());
  const Result<void> good =
      TellProblems(CheckLoaded(*loaded, session, job->engine), session.terminal);
  if (!good) return Refuse(session, good.error());
  return Execute(session, flags, *job, *std::move(loaded));
}

void AddFlags(CLI::App& command, RunFlags& flags) {
  RunJob& job = flags.job;
  TextFlag(command, "flow", job.flow, "FILE, FILE#NAME or a folder with a flow.yaml").Shows("FLOW");
  TextFlag(command, "-i,--input", job.input,
           "rows: .jsonl, .csv, .tsv, .json, also .gz, or - for stdin");
  TextFlag(command, "--files", job.files, "rows of files: a glob such as 'texts/**/*.txt'");
  const Flag folder = TextFlag(command, "-o,--out", job.folder,
                               "the run's folder; default: runs/ and a name by the time");
  const Flag resume =
      TextFlag(command, "--resume", flags.resume, "go on with the run in this folder")
          .Excludes(folder);
  SwitchFlag(command, "--retry-failed", flags.retry_failed,
             "with --resume: try rows again that failed")
      .Needs(resume);
  NumberFlag(command, "--concurrency", job.concurrency, "calls at once; default: 16");
  NumberFlag(command, "--batch-size", job.batch_size,
             "rows on their way at once; default: 4 for each call");
  NumberFlag(command, "--limit", job.limit, "only the first N rows");
  ListFlag(command, "--set", job.set, "NAME=VALUE for {{ vars.NAME }}; may be repeated");
  TextFlag(command, "-e,--engine", job.engine, "asked instead of every engine of the flow");
  NumberFlag(command, "--seed", job.seed, "of the run; every call has one made of it");
  NumberFlag(command, "--max-total-tokens", job.max_total_tokens,
             "stop, to be resumed, when prompts and answers have had so many");
  TextFlag(command, "--format", job.format,
           "of the results: jsonl or csv; openai-batch: rows are requests of a batch "
           "file, -o is the file of answers")
      .OneOf({"jsonl", "csv", std::string(kBatchFormat)});
  TextFlag(command, "-m,--model", job.model, "instead of the models that a batch names");
  SwitchFlag(command, "--flattened,!--no-flattened", job.flattened,
             "write flattened/ too, one line for each row");
  NumberFlag(command, "--max-lines-per-file", job.max_lines_per_file, "then a new file; 10000");
  SwitchFlag(command, "--warmup,!--no-warmup", job.warmup,
             "send each shared beginning of prompts once before the first row");
  SwitchFlag(command, "--auto-accept", job.auto_accept,
             "merge what agents have changed, without a review; conflicts wait for one");
  SwitchFlag(command, "--dry-run", flags.dry_run, "show what would be asked, and send nothing");
  SwitchFlag(command, "--json-logs", flags.json_logs, "every event as a JSON line on stderr");
  SwitchFlag(command, "--quiet", flags.quiet, "no progress; the summary at the end");
}

}  // namespace

void AddRunCommand(CLI::App& app, Session& session) {
  for (const char* name : {"run", "run-yaml"}) {
    auto flags = std::make_shared<RunFlags>();  // shared by what the command keeps
    CLI::App& command = AddCommand(app, name, "Send rows through a flow, into a folder");
    AddFlags(command, *flags);
    SetRun(command, session, [flags, &session] { return Run(session, *flags); });
    if (std::string_view(name) != "run") HideCommand(command);
  }
}

}  // namespace weir::cli
