#include "weir/cli/jobs_work.h"

#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include <unistd.h>

#include "weir/async/scope.h"
#include "weir/async/signals.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/jobs_engines.h"
#include "weir/cli/jobs_metrics.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/jobs_time.h"
#include "weir/cli/jobs_work_view.h"
#include "weir/cli/listeners.h"
#include "weir/cli/run_job.h"
#include "weir/events/call_figures.h"
#include "weir/events/tee.h"
#include "weir/http/server.h"

namespace weir::cli {
namespace {

using async::Task;

struct WorkFlags {
  JobsFlags jobs;
  std::vector<std::string> flows;
  std::vector<std::string> queues;
  RunJob job;  // engine, model, concurrency, variables
  std::string overlay;
  std::string journal;
  std::string name;
  std::string lease = "30s";
  std::string drain = "30s";
  std::string slow;
  std::string metrics;
  std::optional<std::int64_t> refresh_every;
  std::optional<std::int64_t> limit;
  bool exit_when_empty = false;
  bool quiet = false;
};

// One flow that this worker works, with what it needs for it. At a fixed address: a graph and
// engines are pointed to.
struct WorkedFlow {
  std::optional<LoadedFlow> loaded;
  jobs::QueueInfo queue;
  std::string overlay;
  std::unique_ptr<AgentEngines> engines;
};

// What the `worker:` section of a configuration says of one flow.
struct Named {
  std::string flow;
  std::string overlay;
};

std::string Beside(const std::string& file, const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  return (std::filesystem::path(file).parent_path() / path).lexically_normal().string();
}

Named NamedIn(json::View section, const std::string& config_file) {
  Named named{.flow = std::string(section.Find("flow").StringOr("")),
              .overlay = Beside(config_file, std::string(section.Find("overlay").StringOr("")))};
  const bool is_path = named.flow.find_first_of("/.#") != named.flow.npos;
  named.flow = is_path ? Beside(config_file, named.flow) : StrCat(config_file, "#", named.flow);
  return named;
}

// FLOW arguments, else the worker and its classifier of the configuration; neither: all queues of
// the store.
Result<std::vector<Named>> NamedFlows(WorkFlags& flags, const Session& session) {
  std::vector<Named> named;
  named.reserve(flags.flows.size());
  for (const std::string& flow : flags.flows) named.push_back({flow, flags.overlay});
  if (!named.empty() || !flags.queues.empty()) return named;
  WEIR_TRY(const config::Config config, config::Load(session.config_file, session.env));
  const json::View worker = config.worker;
  if (!worker.Find("flow").IsString()) return named;
  named.push_back(NamedIn(worker, config.file));
  if (worker.Find("classifier").Find("flow").IsString()) {
    named.push_back(NamedIn(worker.Find("classifier"), config.file));
  }
  for (Named& one : named) {
    if (!flags.overlay.empty()) one.overlay = flags.overlay;
  }
  if (!flags.refresh_every) flags.refresh_every = worker.Find("refresh_every").AsInt64();
  return named;
}

bool IsWanted(const WorkFlags& flags, const std::string& queue) {
  return flags.queues.empty() || std::ranges::find(flags.queues, queue) != flags.queues.end();
}

// Flows that were named: their queues are made where nobody has submitted yet.
Result<std::vector<WorkedFlow>> ByName(const std::vector<Named>& named, const WorkFlags& flags,
                                       jobs::JobStore& store, const Session& session) {
  if (!flags.queues.empty() && (named.size() > 1 || flags.queues.size() > 1)) {
    return Fail(Code::kConfigError,
                "-q names the queue of one flow; several flows have queues of their own names: "
                "leave -q away, or start a worker for each");
  }
  std::vector<WorkedFlow> flows;
  for (const Named& one : named) {
    WorkedFlow worked{.overlay = one.overlay};
    WEIR_TRY(worked.loaded, LoadQueueFlow(one.flow, flags.job.engine, flags.job.model, session));
    const flow::Flow& flow = worked.loaded->graph.flow();
    const bool renamed = named.size() == 1 && flags.queues.size() == 1;
    const std::string name = renamed ? flags.queues.front() : flow.name;
    WEIR_TRY(const std::string digest, DigestOfFlow(flow));
    WEIR_TRY(const std::vector<jobs::QueueInfo> queues, store.Queues());
    const auto found = std::ranges::find_if(
        queues, [&](const jobs::QueueInfo& queue) { return queue.spec.name == name; });
    if (found != queues.end()) {
      worked.queue = *found;
    } else {
      worked.queue.spec = {.name = name, .flow = AbsolutePath(one.flow), .digest = digest};
      WEIR_TRY(worked.queue.id, store.Declare(worked.queue.spec));
      session.terminal.Note(StrCat("queue ", name, " is new: nobody has submitted jobs to it yet"));
    }
    if (!worked.queue.spec.digest.empty() && worked.queue.spec.digest != digest) {
      session.terminal.Warn(StrCat("the flow of queue ", name,
                                   " is not the one that its jobs were submitted for; they are "
                                   "worked with this one"));
    }
    worked.queue.spec.digest = digest;
    flows.push_back(std::move(worked));
  }
  return flows;
}

// All queues of the store whose flow can be read here.
Result<std::vector<WorkedFlow>> ByQueue(const WorkFlags& flags, jobs::JobStore& store,
                                        const Session& session) {
  std::vector<WorkedFlow> flows;
  WEIR_TRY(const std::vector<jobs::QueueInfo> queues, store.Queues());
  for (const jobs::QueueInfo& queue : queues) {
    if (!IsWanted(flags, queue.spec.name)) continue;
    Result<LoadedFlow> loaded =
        LoadQueueFlow(queue.spec.flow, flags.job.engine, flags.job.model, session);
    if (!loaded && flags.queues.empty()) {
      session.terminal.Warn(
          StrCat("queue ", queue.spec.name, " is left to others: ", loaded.error().message));
      continue;
    }
    if (!loaded) return std::unexpected<Error>(loaded.error());
    WorkedFlow worked{.queue = queue, .overlay = flags.overlay};
    WEIR_TRY(const std::string digest, DigestOfFlow(loaded->graph.flow()));
    if (queue.spec.flow != kBatchFormat && queue.spec.digest != digest) {
      session.terminal.Warn(StrCat("the flow of queue ", queue.spec.name,
                                   " has changed since its jobs were submitted; they are worked "
                                   "with it as it is now"));
    }
    worked.queue.spec.digest = digest;
    worked.loaded = *std::move(loaded);
    flows.push_back(std::move(worked));
  }
  for (const std::string& name : flags.queues) {
    const bool known = std::ranges::any_of(
        queues, [&](const jobs::QueueInfo& queue) { return queue.spec.name == name; });
    if (!known) {
      WEIR_CHECK(FindQueue(store, name));
    }
  }
  if (flows.empty()) {
    return Fail(Code::kConfigError,
                StrCat("there is no queue in ", store.Where(),
                       " that this worker can work; name the flow: weir jobs work FLOW, or submit "
                       "jobs first: weir jobs submit FLOW -i rows.jsonl"));
  }
  return flows;
}

std::string Host() {
  char name[256] = {};
  if (::gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0') return "worker";
  return name;
}

// Where answers are kept: beside an SQLite file, else where programs keep their state; in a folder
// for each store, for all of them have a job 1.
Result<std::string> JournalFolder(const WorkFlags& flags, const std::string& url,
                                  jobs::JobStore& store, const Session& session) {
  constexpr std::string_view kSqlite = "sqlite:";
  WEIR_TRY(const std::string id, store.Id());
  if (!flags.journal.empty()) return StrCat(flags.journal, "/", id);
  if (url.starts_with(kSqlite)) return StrCat(url.substr(kSqlite.size()), ".answers/", id);
  std::string state = session.env.Get("XDG_STATE_HOME").value_or("");
  const std::string home = session.env.Get("HOME").value_or("");
  if (state.empty() && !home.empty()) state = home + "/.local/state";
  if (state.empty()) {
    return Fail(Code::kConfigError,
                "there is no home for the journal of answers: name a folder with --journal (one "
                "that all workers share, if there is one)");
  }
  return StrCat(state, "/weir/answers/", id);
}

Result<jobs::WorkerOptions> OptionsOf(const WorkFlags& flags,
                                      const std::vector<WorkedFlow>& flows) {
  jobs::WorkerOptions options;
  options.name = flags.name.empty() ? StrCat(Host(), "-", ::getpid()) : flags.name;
  if (options.name.find_first_of("/ \t\n") != options.name.npos) {
    return Fail(Code::kConfigError, "--name is part of a file's name: no slash and no space");
  }
  std::int64_t concurrency = 0;
  for (const WorkedFlow& flow : flows) {
    concurrency =
        std::max<std::int64_t>(concurrency, flow.loaded->graph.flow().concurrency.value_or(16));
  }
  concurrency = flags.job.concurrency.value_or(concurrency);
  for (const auto& [flag, value] :
       {std::pair("--concurrency", std::optional(concurrency)),
        std::pair("--refresh-every", flags.refresh_every), std::pair("--limit", flags.limit)}) {
    if (value && (*value < 1 || *value > 100'000'000)) {
      return Fail(Code::kConfigError, StrCat(flag, " must be at least 1; got ", *value));
    }
  }
  options.concurrency = static_cast<int>(std::min<std::int64_t>(concurrency, 100'000));
  options.refresh_every = static_cast<int>(flags.refresh_every.value_or(100));
  options.exit_when_empty = flags.exit_when_empty;
  options.most_jobs = flags.limit;
  WEIR_TRY(const std::int64_t lease, ParseSpan(flags.lease));
  if (lease < 100) {
    return Fail(Code::kConfigError, "--lease must be at least 100ms; a few seconds are usual");
  }
  WEIR_TRY(const std::int64_t drain, ParseSpan(flags.drain));
  options.lease = std::chrono::milliseconds(lease);
  options.drain = std::chrono::milliseconds(drain);
  if (!flags.slow.empty()) {
    WEIR_TRY(const std::int64_t slow, ParseSpan(flags.slow));
    options.slow = std::chrono::milliseconds(slow);
  }
  return options;
}

// What the worker asks of each of its queues when it wants to know what to work with.
Result<void> OpenEngines(const WorkFlags& flags, jobs::JobStore& store, const Session& session,
                         std::vector<WorkedFlow>& flows) {
  for (WorkedFlow& flow : flows) {
    WEIR_CHECK(
        TellProblems(CheckLoaded(*flow.loaded, session, flags.job.engine), session.terminal));
    AgentEnginesOptions options{.agent = flow.queue.spec.name,
                                .config_file = flow.loaded->config.file,
                                .env = session.env,
                                .engine = flags.job.engine,
                                .model = flags.job.model,
                                .overlay = flow.overlay};
    WEIR_TRY(flow.engines, AgentEngines::Open(std::move(options), flow.loaded->graph, store));
  }
  return {};
}

Result<std::vector<jobs::WorkQueue>> QueuesOf(const WorkFlags& flags, const Session& session,
                                              const std::vector<WorkedFlow>& flows) {
  std::vector<jobs::WorkQueue> queues;
  for (const WorkedFlow& flow : flows) {
    RunJob job = flags.job;
    job.resumed = false;
    WEIR_TRY(flow::RunOptions options, OptionsOf(job, *flow.loaded, session));
    options.engine.clear();  // AgentEngines says it
    queues.push_back({.id = flow.queue.id,
                      .spec = flow.queue.spec,
                      .graph = &flow.loaded->graph,
                      .options = std::move(options)});
  }
  return queues;
}

// The files of workers that are gone, whose jobs have all ended.
void TidyJournal(jobs::AnswerJournal& journal, jobs::JobStore& store, const Session& session) {
  const Result<int> removed = journal.Tidy([&store](jobs::JobId id) -> Result<bool> {
    WEIR_TRY(const std::optional<jobs::JobInfo> job, store.Find(id));
    return job && (job->state == jobs::JobState::kWaiting ||
                   job->state == jobs::JobState::kQueued || job->state == jobs::JobState::kRunning);
  });
  if (!removed) session.terminal.Warn(removed.error().message);
}

// The worker beside its door and its view, until it ends.
Task<Result<void>> WorkAll(async::Context ctx, jobs::Worker& worker, http::Server* server,
                           const http::Listener* listener, WorkView& view) {
  async::TaskScope beside(ctx);
  const auto serve = [](async::Context its_ctx, http::Server& its_server,
                        const http::Listener& its_listener) -> Task<void> {
    (void)co_await its_server.Serve(its_ctx, its_listener);
  };
  if (server != nullptr) beside.Spawn(serve(beside.context(), *server, *listener));
  beside.Spawn(view.Show(beside.context()));
  Result<void> worked = co_await worker.Run(ctx);
  beside.Cancel();
  co_await beside.Join();
  co_return worked;
}

// Where nobody has named an engine: how that is done.
std::string HowToNameAnEngine(const WorkFlags& flags, const std::vector<WorkedFlow>& flows) {
  const bool named =
      !flags.job.engine.empty() || std::ranges::any_of(flows, [](const WorkedFlow& flow) {
        return !flow.loaded->config.file.empty() || !flow.overlay.empty();
      });
  if (named) return {};
  return "; name another engine with -e URL, or in a weir.yaml (weir config init writes one)";
}

int ExitOf(const jobs::WorkerFigures& figures) {
  std::uint64_t failed = 0;
  std::uint64_t done = 0;
  for (const jobs::WorkerFigures::Queue& queue : figures.queues) {
    failed += queue.ended[static_cast<int>(jobs::Ended::How::kFailed)];
    done += queue.ended[static_cast<int>(jobs::Ended::How::kDone)];
  }
  if (failed == 0) return kExitOk;
  return done == 0 ? kExitFailed : kExitSomeFailed;
}

int Run(Session& session, WorkFlags& flags) {
  async::Loop loop;  // outlives the connections of the engines
  // Watched from the start: who manages services may send it before the first job.
  std::function<void()> on_hangup;
  const async::SignalWatch hangup(loop, {SIGHUP}, [&on_hangup](int) {
    if (on_hangup) on_hangup();
  });
  const Result<std::vector<Named>> named = NamedFlows(flags, session);
  if (!named) return Refuse(session, named.error());
  const Result<StoreChoice> choice = ChooseStore(flags.jobs.store, nullptr, session);
  if (!choice) return Refuse(session, choice.error());
  const StoreUse use = named->empty() ? StoreUse::kLook : StoreUse::kMake;
  // The worker itself tries again for as long as it takes, and wants to end when it is told to.
  const jobs::StoreOptions store_options{.patience = std::chrono::seconds(5)};
  const Result<OpenedStore> opened = OpenJobs(*choice, use, store_options, session);
  if (!opened) return Refuse(session, opened.error());
  jobs::JobStore& store = *opened->store;
  Result<std::vector<WorkedFlow>> flows =
      named->empty() ? ByQueue(flags, store, session) : ByName(*named, flags, store, session);
  if (!flows) return Refuse(session, flows.error());
  const Result<void> ready = OpenEngines(flags, store, session, *flows);
  if (!ready) return Refuse(session, ready.error());
  const Result<jobs::WorkerOptions> options = OptionsOf(flags, *flows);
  if (!options) return Refuse(session, options.error());
  Result<std::vector<jobs::WorkQueue>> queues = QueuesOf(flags, session, *flows);
  if (!queues) return Refuse(session, queues.error());
  const Result<std::string> folder = JournalFolder(flags, choice->url, store, session);
  if (!folder) return Refuse(session, folder.error());
  const Result<std::unique_ptr<jobs::AnswerJournal>> journal =
      jobs::AnswerJournal::Open({.folder = *folder, .name = options->name});
  if (!journal) return Refuse(session, journal.error());
  TidyJournal(**journal, store, session);

  Result<Listeners> listeners =
      Listeners::Open(loop, flows->front().loaded->config.events, "", session);
  if (!listeners) return Refuse(session, listeners.error());
  const jobs::Resolve resolve = [&flows](async::Context ctx, const std::string& agent) {
    for (const WorkedFlow& flow : *flows) {
      if (flow.queue.spec.name == agent) return flow.engines->Resolve(ctx);
    }
    return flows->front().engines->Resolve(ctx);
  };
  jobs::Worker worker(store, **journal, resolve, *std::move(queues), *options);
  WorkView view(session.terminal, session.env, loop, worker, flags.quiet);
  view.NameStore(opened->flag);
  view.ExplainPause(HowToNameAnEngine(flags, *flows));
  events::MetricsRegistry registry;
  events::CallFigures figures(registry);
  std::vector<TraceSink*> sinks = listeners->sinks();
  sinks.push_back(&figures);
  sinks.push_back(&view);
  events::Tee everything(sinks);
  async::Cancellation cancellation;
  bool told = false;
  // The first signal lets jobs under way end, the second gives them back.
  const async::SignalWatch signals(loop, {SIGINT, SIGTERM}, [&](int) {
    if (std::exchange(told, true)) return cancellation.Cancel();
    view.TellDrain(options->drain);
    worker.Drain();
  });
  on_hangup = [&] {
    if (worker.figures().draining) return;
    view.TellReading();
    for (const WorkedFlow& flow : *flows) flow.engines->ReadAgain();
    worker.Refresh();
  };
  async::Context ctx(loop);
  ctx.cancellation = &cancellation;
  ctx.trace = &everything;

  JobsMetrics metrics(store, worker, registry);
  std::unique_ptr<http::Listener> listener;
  std::optional<http::Server> server;
  if (!flags.metrics.empty()) {
    Result<std::unique_ptr<http::Listener>> listening = http::Listen({.address = flags.metrics});
    if (!listening) return Refuse(session, listening.error());
    listener = *std::move(listening);
    server.emplace(http::ServerOptions{}, metrics);
  }
  // Nobody else knows which port it has got.
  const bool tells_figures = listener && (!flags.quiet || flags.metrics.ends_with(":0"));
  view.TellStart(options->name, store.Where(), *folder, tells_figures ? listener->url() : "");
  const Result<void> worked =
      loop.Run(WorkAll(ctx, worker, server ? &*server : nullptr, listener.get(), view));
  view.TellEnd();
  listeners->Finish(session.terminal);
  if (!worked) return Refuse(session, worked.error());
  if (cancellation.cancelled()) return kExitCancelled;
  return flags.exit_when_empty || flags.limit ? ExitOf(worker.figures()) : kExitOk;
}

void AddFlags(CLI::App& command, WorkFlags& flags) {
  TextsFlag(command, "flow", flags.flows,
            "FILE, FILE#NAME or a folder, several for several queues; none: every queue of "
            "the store whose flow can be read here")
      .Shows("FLOW");
  AddStoreFlag(command, flags.jobs);
  ListFlag(command, "-q,--queue", flags.queues, "only this queue; may be repeated");
  NumberFlag(command, "--concurrency", flags.job.concurrency,
             "jobs under way at once; default: the flow's, or 16");
  TextFlag(command, "-e,--engine", flags.job.engine, "asked instead of every engine of the flow");
  TextFlag(command, "-m,--model", flags.job.model, "instead of the engine's model");
  ListFlag(command, "--set", flags.job.set, "NAME=VALUE for {{ vars.NAME }}; may be repeated");
  TextFlag(command, "--overlay", flags.overlay,
           "a YAML file that says engine, model and variant of agents; it is read again "
           "while the worker works");
  NumberFlag(command, "--refresh-every", flags.refresh_every,
             "jobs of a queue after which its configuration is read again, as SIGHUP has it at "
             "once; default: 100");
  TextFlag(command, "--journal", flags.journal,
           "the folder of answers that the store does not know of yet; workers that "
           "share it find each other's after a crash");
  TextFlag(command, "--name", flags.name, "of this worker; default: host and process");
  TextFlag(command, "--lease", flags.lease,
           "a worker that is silent for so long is lost, and its jobs are others'");
  TextFlag(command, "--drain-timeout", flags.drain,
           "after a first Ctrl-C or SIGTERM: what jobs under way are given");
  TextFlag(command, "--slow-after", flags.slow,
           "a call that takes longer makes the worker take fewer jobs, e.g. 20s");
  TextFlag(command, "--metrics", flags.metrics,
           "HOST:PORT or :PORT (loopback) of /metrics, /healthz and /readyz");
  NumberFlag(command, "--limit", flags.limit, "end after so many jobs");
  SwitchFlag(command, "--exit-when-empty", flags.exit_when_empty, "end when there is nothing left");
  SwitchFlag(command, "--warmup,!--no-warmup", flags.job.warmup,
             "send each shared beginning of prompts once before the first job");
  SwitchFlag(command, "--quiet", flags.quiet, "no progress; warnings, and the figures at the end");
}

}  // namespace

CLI::App& AddJobsWork(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<WorkFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(jobs, "work", "Take jobs and work them, until it is told to end");
  AddFlags(command, *flags);
  SetRun(command, session, [flags, &session] { return Run(session, *flags); });
  return command;
}

}  // namespace weir::cli
