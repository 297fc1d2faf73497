#include "weir/cli/jobs_store.h"

#include <algorithm>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/print.h"
#include "weir/cli/run_job.h"
#include "weir/flow/figures.h"

namespace weir::cli {
namespace {

constexpr std::string_view kUsualStore = "sqlite:weir-jobs.db";

}  // namespace

void AddStoreFlag(CLI::App& command, JobsFlags& flags) {
  TextFlag(command, "--store", flags.store,
           "sqlite:FILE or postgres://USER@HOST/DATABASE; default: jobs.store of the "
           "configuration, else sqlite:weir-jobs.db");
}

void AddQueueFlag(CLI::App& command, JobsFlags& flags) {
  TextFlag(command, "-q,--queue", flags.queue, "the queue; default: the only one there is");
}

void AddOutputFlag(CLI::App& command, JobsFlags& flags) {
  TextFlag(command, "-o,--output", flags.output, "text or json").OneOf({"text", "json"});
}

int StopJobs(Session& session, const JobsFlags& flags, const Error& error) {
  if (flags.json()) session.terminal.Out(ErrorJson(error));
  session.terminal.Problem(error);
  return ExitCode(error);
}

Result<StoreChoice> ChooseStore(const std::string& asked, const config::Config* flow,
                                const Session& session) {
  if (!asked.empty()) {
    // A user's name is not printed, and what is printed instead cannot be typed.
    const bool plain = Redact(asked) == asked && asked.find("password") == asked.npos;
    return StoreChoice{.url = asked, .flag = StrCat(" --store ", plain ? asked : "...")};
  }
  if (const auto variable = session.env.Get("WEIR_JOBS_STORE")) {
    return StoreChoice{.url = *variable, .flag = {}};
  }
  WEIR_TRY(const config::Config config, config::Load(session.config_file, session.env));
  if (!config.jobs.store.empty()) {
    const bool named = !session.config_file.empty();
    return StoreChoice{.url = config.jobs.store,
                       .flag = named ? StrCat(" --config ", session.config_file) : std::string()};
  }
  if (flow != nullptr && !flow->jobs.store.empty()) {
    return StoreChoice{.url = flow->jobs.store, .flag = StrCat(" --config ", flow->file)};
  }
  return StoreChoice{.url = std::string(kUsualStore), .flag = {}, .guessed = true};
}

Result<OpenedStore> OpenJobs(const StoreChoice& choice, StoreUse use,
                             const jobs::StoreOptions& options, const Session& session) {
  if (choice.guessed) {
    session.terminal.Note(
        StrCat("the jobs are in ", choice.url, " of this folder; --store names another"));
  }
  WEIR_TRY(const int version, jobs::StoreVersion(choice.url));
  if (version == 0 && use == StoreUse::kLook) {
    return Fail(Code::kConfigError,
                StrCat("there are no jobs in ", Redact(choice.url),
                       ": nobody has submitted any; name another store with --store, or begin "
                       "with: weir jobs submit FLOW -i rows.jsonl",
                       choice.flag));
  }
  jobs::StoreOptions chosen = options;
  // A schema that others still work with is not changed in passing.
  chosen.migrate = version == 0;
  WEIR_TRY(std::unique_ptr<jobs::JobStore> store, jobs::OpenStore(choice.url, chosen));
  return OpenedStore{.store = std::move(store), .flag = choice.flag};
}

Result<OpenedStore> OpenJobs(const JobsFlags& flags, StoreUse use, const Session& session) {
  WEIR_TRY(const StoreChoice choice, ChooseStore(flags.store, nullptr, session));
  return OpenJobs(choice, use, {}, session);
}

Result<jobs::QueueInfo> FindQueue(jobs::JobStore& store, const std::string& name) {
  WEIR_TRY(std::vector<jobs::QueueInfo> queues, store.Queues());
  std::vector<std::string> names;
  for (jobs::QueueInfo& queue : queues) {
    if (queue.spec.name == name || (name.empty() && queues.size() == 1)) return std::move(queue);
    names.push_back(queue.spec.name);
  }
  if (names.empty()) {
    return Fail(Code::kConfigError, StrCat("there is no queue in ", store.Where(),
                                           "; weir jobs submit FLOW makes one"));
  }
  std::ranges::sort(names);
  if (name.empty()) {
    return Fail(
        Code::kConfigError,
        StrCat("there are several queues: say with -q which one is meant, of ", Join(names, ", ")));
  }
  const std::optional<std::string> nearest = Nearest(name, names);
  return Fail(
      Code::kConfigError,
      StrCat("there is no queue '", name, "' in ", store.Where(),
             nearest ? StrCat("; did you mean '", *nearest, "'?")
                     : StrCat("; there ", names.size() == 1 ? "is " : "are ", Join(names, ", "))));
}

Result<jobs::JobInfo> FindJob(jobs::JobStore& store, const std::string& id) {
  const std::optional<std::int64_t> number = ParseInt(id);
  if (!number) {
    return Fail(Code::kConfigError,
                StrCat("'", id, "' is no number of a job; weir jobs export shows them as `job`"));
  }
  WEIR_TRY(std::optional<jobs::JobInfo> job, store.Find(*number));
  if (!job) {
    return Fail(Code::kConfigError,
                StrCat("there is no job ", *number, " in ", store.Where(), "; was it purged?"));
  }
  return *std::move(job);
}

Result<LoadedFlow> LoadQueueFlow(const std::string& flow, const std::string& engine,
                                 const std::string& model, const Session& session) {
  return flow == kBatchFormat ? LoadBatch(engine, model, session) : LoadFlow(flow, session);
}

std::string CountedJobs(std::int64_t count) {
  return flow::Counted(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)), "job", "jobs");
}

std::int64_t CountOf(const jobs::QueueInfo& queue, jobs::JobState state) {
  return queue.counts[static_cast<std::size_t>(state)];
}

std::int64_t OpenJobsOf(const jobs::QueueInfo& queue) {
  return CountOf(queue, jobs::JobState::kWaiting) + CountOf(queue, jobs::JobState::kQueued) +
         CountOf(queue, jobs::JobState::kRunning);
}

Result<jobs::JobState> ParseState(std::string_view name) {
  std::vector<std::string> names;
  for (int i = 0; i < jobs::kJobStates; ++i) {
    const auto state = static_cast<jobs::JobState>(i);
    if (jobs::StateName(state) == name) return state;
    names.emplace_back(jobs::StateName(state));
  }
  return Fail(Code::kConfigError,
              StrCat("there is no state '", name, "'; there are ", Join(names, ", ")));
}

Result<std::vector<jobs::JobState>> ParseStates(const std::vector<std::string>& names) {
  std::vector<jobs::JobState> states;
  for (const std::string& name : names) {
    WEIR_TRY(const jobs::JobState state, ParseState(name));
    if (std::ranges::find(states, state) == states.end()) states.push_back(state);
  }
  return states;
}

}  // namespace weir::cli
