#include "weir/cli/jobs_change.h"

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/jobs_time.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

struct ChangeFlags {
  JobsFlags jobs;
  std::vector<std::string> ids;
  std::vector<std::string> states;
  std::string error;
  std::string older_than;
  bool all = false;
  bool check = false;  // of migrate

  bool filters() const {
    return !ids.empty() || !states.empty() || !error.empty() || !older_than.empty();
  }
};

enum class What { kRetry, kCancel, kPurge };

struct Verb {
  const char* name;
  const char* help;
  std::string_view done;     // "3 jobs ..."
  std::string_view counter;  // in JSON
  std::string_view nothing;  // why there was none
  std::string_view next;     // what that means
  std::vector<jobs::JobState> states;
  bool needs_choice;  // of jobs: --all or a filter
  What what;
};

Result<std::int64_t> Apply(jobs::JobStore& store, What what, const jobs::Selection& selection) {
  switch (what) {
    case What::kRetry:
      return store.Retry(selection);
    case What::kCancel:
      return store.Cancel(selection);
    case What::kPurge:
      break;
  }
  return store.Purge(selection);
}

const Verb& Retry() {
  static const Verb kVerb = {
      .name = "retry",
      .help = "Queue jobs again that failed or were cancelled",
      .done = "queued again",
      .counter = "retried",
      .nothing = "no job that is meant had failed or was cancelled",
      .next = "they begin anew, with all their attempts",
      .states = {jobs::JobState::kFailed, jobs::JobState::kCancelled},
      .needs_choice = false,
      .what = What::kRetry,
  };
  return kVerb;
}

const Verb& Cancel() {
  static const Verb kVerb = {
      .name = "cancel",
      .help = "Give up jobs that have not ended",
      .done = "cancelled",
      .counter = "cancelled",
      .nothing = "no job that is meant was still open",
      .next =
          "running ones end with the next beat of their worker; weir jobs retry takes "
          "cancelled jobs back",
      .states = {jobs::JobState::kWaiting, jobs::JobState::kQueued, jobs::JobState::kRunning},
      .needs_choice = true,
      .what = What::kCancel,
  };
  return kVerb;
}

const Verb& Purge() {
  static const Verb kVerb = {
      .name = "purge",
      .help = "Remove jobs that have ended, with their results",
      .done = "removed, with their results",
      .counter = "purged",
      .nothing = "none of the jobs that have ended is meant",
      .next = "their keys are forgotten: the same rows would be new jobs",
      .states = {jobs::JobState::kDone, jobs::JobState::kFailed, jobs::JobState::kCancelled},
      .needs_choice = true,
      .what = What::kPurge,
  };
  return kVerb;
}

// "failed, cancelled"
std::string StateNames(const Verb& verb) {
  std::vector<std::string> names;
  names.reserve(verb.states.size());
  for (const jobs::JobState state : verb.states) names.emplace_back(jobs::StateName(state));
  return Join(names, ", ");
}

Result<std::vector<jobs::JobState>> StatesOf(const ChangeFlags& flags, const Verb& verb) {
  WEIR_TRY(std::vector<jobs::JobState> states, ParseStates(flags.states));
  for (const jobs::JobState state : states) {
    if (std::ranges::find(verb.states, state) != verb.states.end()) continue;
    return Fail(Code::kConfigError,
                StrCat("weir jobs ", verb.name, " is for jobs that are ", StateNames(verb),
                       ", not for ", jobs::StateName(state), " ones"));
  }
  return states;
}

struct Chosen {
  std::string queue;
  jobs::Selection selection;
};

// Jobs that are named may belong to several queues.
Result<std::vector<Chosen>> NamedJobs(const ChangeFlags& flags, jobs::JobStore& store) {
  WEIR_TRY(const std::vector<jobs::QueueInfo> queues, store.Queues());
  std::map<jobs::QueueId, Chosen> by_queue;
  for (const std::string& text : flags.ids) {
    WEIR_TRY(const jobs::JobInfo job, FindJob(store, text));
    const auto queue = std::ranges::find(queues, job.queue, &jobs::QueueInfo::id);
    const std::string name = queue == queues.end() ? std::string() : queue->spec.name;
    if (!flags.jobs.queue.empty() && name != flags.jobs.queue) {
      return Fail(Code::kConfigError,
                  StrCat("job ", job.id, " is one of queue ", name, ", not of ", flags.jobs.queue));
    }
    Chosen& chosen = by_queue[job.queue];
    chosen.queue = name;
    chosen.selection.queue = job.queue;
    chosen.selection.ids.push_back(job.id);
  }
  std::vector<Chosen> all;
  all.reserve(by_queue.size());
  for (auto& [id, chosen] : by_queue) all.push_back(std::move(chosen));
  return all;
}

Result<std::vector<Chosen>> Choose(const ChangeFlags& flags, const Verb& verb,
                                   jobs::JobStore& store) {
  std::vector<Chosen> all;
  if (!flags.ids.empty()) {
    WEIR_TRY(all, NamedJobs(flags, store));
  } else {
    WEIR_TRY(const jobs::QueueInfo queue, FindQueue(store, flags.jobs.queue));
    all.emplace_back().queue = queue.spec.name;
    all.back().selection.queue = queue.id;
  }
  WEIR_TRY(const std::vector<jobs::JobState> states, StatesOf(flags, verb));
  std::optional<std::int64_t> older_than;
  if (!flags.older_than.empty()) {
    WEIR_TRY(older_than, ParseSpan(flags.older_than));
  }
  for (Chosen& chosen : all) {
    chosen.selection.states = states;
    chosen.selection.error = flags.error;
    chosen.selection.older_than = older_than;
  }
  return all;
}

std::string ChangeJson(const Verb& verb, std::int64_t count, const std::vector<Chosen>& chosen) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Key(verb.counter);
  out.Int(count);
  out.PlainKey("queues");
  out.BeginArray();
  for (const Chosen& one : chosen) out.String(one.queue);
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

int Change(Session& session, const ChangeFlags& flags, const Verb& verb) {
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  if (verb.needs_choice && flags.all == flags.filters()) {
    std::string others = verb.what == What::kPurge ? "--older-than 7d, --state done, --job ID"
                                                   : "--state queued, --job ID";
    return stop({.code = Code::kConfigError,
                 .message = StrCat(flags.all ? "--all means every job of the queue; leave it away, "
                                               "or leave away what chooses some"
                                             : "say which jobs are meant: --all, or ",
                                   flags.all ? std::string() : others)});
  }
  const Result<OpenedStore> opened = OpenJobs(flags.jobs, StoreUse::kLook, session);
  if (!opened) return stop(opened.error());
  jobs::JobStore& store = *opened->store;
  const Result<std::vector<Chosen>> chosen = Choose(flags, verb, store);
  if (!chosen) return stop(chosen.error());
  std::int64_t count = 0;
  std::vector<std::string> names;
  for (const Chosen& one : *chosen) {
    const Result<std::int64_t> changed = Apply(store, verb.what, one.selection);
    if (!changed) return stop(changed.error());
    count += *changed;
    names.push_back(one.queue);
  }
  if (flags.jobs.json()) {
    session.terminal.Out(ChangeJson(verb, count, *chosen));
    return kExitOk;
  }
  const std::string queues =
      StrCat(" (", names.size() == 1 ? "queue " : "queues ", Join(names, ", "), ")\n");
  session.terminal.Out(StrCat(CountedJobs(count), " ", verb.done, queues));
  session.terminal.Note(count == 0 ? verb.nothing : verb.next);
  if (count == 0 || verb.what != What::kRetry) return kExitOk;
  const Result<std::vector<jobs::WorkerInfo>> workers = store.Workers();
  if (workers && workers->empty()) {
    session.terminal.Note(
        StrCat("no worker is there; start one with: weir jobs work", opened->flag));
  }
  return kExitOk;
}

// What is in the store, and what this program makes of it.
std::string VersionText(const std::string& where, int before, int now) {
  if (before == 0 && now == 0)
    return StrCat(where, " has no jobs yet; the first submit makes it\n");
  std::string text = StrCat(where, ": schema ", now);
  if (before != now) {
    StrAppend(text, before == 0 ? std::string(", made just now") : StrCat(", was ", before));
  } else if (now < jobs::kSchemaVersion) {
    StrAppend(text, ", this weir writes ", jobs::kSchemaVersion,
              "; weir jobs migrate brings it up to date (older workers cannot use it then)");
  } else if (now > jobs::kSchemaVersion) {
    StrAppend(text, ", of a newer weir: this one knows ", jobs::kSchemaVersion,
              " and cannot use it");
  } else {
    text += ", up to date";
  }
  return text + "\n";
}

int Migrate(Session& session, const ChangeFlags& flags) {
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  const Result<StoreChoice> choice = ChooseStore(flags.jobs.store, nullptr, session);
  if (!choice) return stop(choice.error());
  const Result<int> before = jobs::StoreVersion(choice->url);
  if (!before) return stop(before.error());
  int now = *before;
  if (!flags.check) {
    const Result<std::unique_ptr<jobs::JobStore>> store = jobs::OpenStore(choice->url, {});
    if (!store) return stop(store.error());
    now = jobs::kSchemaVersion;
  }
  const std::string where = Redact(choice->url);
  if (!flags.jobs.json()) {
    session.terminal.Out(VersionText(where, *before, now));
    return kExitOk;
  }
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("store", where);
  for (const auto& [name, version] : {std::pair("was", *before), std::pair("version", now),
                                      std::pair("writes", jobs::kSchemaVersion)}) {
    out.Key(name);
    out.Int(version);
  }
  out.EndObject();
  session.terminal.Out(text + "\n");
  return kExitOk;
}

CLI::App& AddVerb(CLI::App& jobs, Session& session, const std::shared_ptr<ChangeFlags>& flags,
                  const Verb& verb) {
  CLI::App& command = AddCommand(jobs, verb.name, verb.help);
  ListFlag(command, "--job", flags->ids, "the job of this number; may be repeated").SplitAt(',');
  if (verb.what != What::kCancel) {
    TextFlag(command, "--error", flags->error, "jobs that failed with this error: timeout, ...");
  }
  ListFlag(command, "--state", flags->states, StrCat("only those: ", StateNames(verb)))
      .SplitAt(',');
  AddStoreFlag(command, flags->jobs);
  AddQueueFlag(command, flags->jobs);
  AddOutputFlag(command, flags->jobs);
  SetRun(command, session, [flags, &verb, &session] { return Change(session, *flags, verb); });
  return command;
}

}  // namespace

void AddJobsRetry(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<ChangeFlags>();  // shared by what the command keeps
  AddVerb(jobs, session, flags, Retry());
}

void AddJobsCancel(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App& command = AddVerb(jobs, session, flags, Cancel());
  SwitchFlag(command, "--all", flags->all, "every job of the queue that has not ended");
}

void AddJobsPurge(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App& command = AddVerb(jobs, session, flags, Purge());
  TextFlag(command, "--older-than", flags->older_than, "jobs that ended so long ago: 7d, 12h");
  SwitchFlag(command, "--all", flags->all, "every job of the queue that has ended");
}

void AddJobsMigrate(CLI::App& jobs, Session& session) {
  auto flags = std::make_shared<ChangeFlags>();
  CLI::App& command = AddCommand(jobs, "migrate", "Bring the store of an older weir up to date");
  SwitchFlag(command, "--check", flags->check, "only say which version it has");
  AddStoreFlag(command, flags->jobs);
  AddOutputFlag(command, flags->jobs);
  SetRun(command, session, [flags, &session] { return Migrate(session, *flags); });
}

}  // namespace weir::cli
