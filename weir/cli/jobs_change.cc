#include "weir/cli/jobs_change.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
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
  bool queue_too = false;  // of purge
  bool check = false;      // of migrate

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

using ErrorCounts = std::map<std::string, std::int64_t>;

// Of the failed jobs that were to choose from, by the name of the error.
Result<ErrorCounts> ErrorsThere(jobs::JobStore& store, const std::vector<Chosen>& chosen) {
  constexpr int kPageOfFailed = 1000;
  ErrorCounts counts;
  for (const Chosen& one : chosen) {
    jobs::Selection failed = one.selection;
    failed.states = {jobs::JobState::kFailed};
    failed.error.clear();
    for (jobs::JobId after = 0;;) {
      WEIR_TRY(const std::vector<jobs::JobInfo> page, store.List(failed, after, kPageOfFailed));
      if (page.empty()) break;
      for (const jobs::JobInfo& job : page) ++counts[job.error];
      after = page.back().id;
    }
  }
  return counts;
}

// Why nothing was changed. `there`: the errors to choose from, where one was named.
std::string WhyNothing(const ChangeFlags& flags, const Verb& verb,
                       const std::optional<ErrorCounts>& there) {
  if (!there) return std::string(verb.nothing);
  std::vector<std::string> names;
  names.reserve(there->size());
  for (const auto& [name, count] : *there) names.push_back(StrCat(name, " (", count, ")"));
  return StrCat("no job that is meant failed with ", flags.error,
                names.empty() ? std::string("; none has failed")
                              : StrCat("; the failed ones have: ", Join(names, ", ")));
}

// Before anything is removed: whether the queue can be.
Result<void> MayBeRemoved(jobs::JobStore& store, const std::string& name, std::string_view flag) {
  WEIR_TRY(const jobs::QueueInfo queue, FindQueue(store, name));
  if (const std::int64_t open = OpenJobsOf(queue); open > 0) {
    return Fail(Code::kConfigError, StrCat("queue ", name, " has ", CountedJobs(open), " that ",
                                           open == 1 ? "has" : "have",
                                           " not ended, and stays: weir jobs "
                                           "cancel -q ",
                                           name, " --all", flag, " gives them up"));
  }
  WEIR_TRY(const std::vector<jobs::WorkerInfo> workers, store.Workers());
  const auto alive = std::ranges::find_if(
      workers, [](const jobs::WorkerInfo& worker) { return worker.seen_ms <= worker.lease_ms; });
  if (alive == workers.end()) return {};
  return Fail(Code::kConfigError,
              StrCat("worker ", alive->name, " may work queue ", name,
                     ", which stays as long as a worker of this store is there: end it first"));
}

struct Changed {
  std::int64_t jobs = 0;
  std::optional<bool> queue_removed;  // where that was asked for
  std::optional<ErrorCounts> errors;  // there are, where none had the one that was named
};

std::string ChangeJson(const Verb& verb, const Changed& changed,
                       const std::vector<Chosen>& chosen) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Key(verb.counter);
  out.Int(changed.jobs);
  out.PlainKey("queues");
  out.BeginArray();
  for (const Chosen& one : chosen) out.String(one.queue);
  out.EndArray();
  if (changed.queue_removed) {
    out.PlainKey("queue_removed");
    out.Bool(*changed.queue_removed);
  }
  if (changed.errors) {
    out.PlainKey("errors");
    out.BeginObject();
    for (const auto& [name, count] : *changed.errors) {
      out.Key(name);
      out.Int(count);
    }
    out.EndObject();
  }
  out.EndObject();
  return text + "\n";
}

Result<Changed> ApplyAll(const ChangeFlags& flags, const Verb& verb, jobs::JobStore& store,
                         const std::vector<Chosen>& chosen) {
  Changed changed;
  for (const Chosen& one : chosen) {
    WEIR_TRY(const std::int64_t count, Apply(store, verb.what, one.selection));
    changed.jobs += count;
  }
  if (changed.jobs == 0 && !flags.error.empty()) {
    WEIR_TRY(changed.errors, ErrorsThere(store, chosen));
  }
  if (flags.queue_too) {
    WEIR_TRY(changed.queue_removed, store.Remove(chosen.front().selection.queue));
  }
  return changed;
}

void TellChange(Session& session, const ChangeFlags& flags, const Verb& verb,
                const Changed& changed, const std::vector<Chosen>& chosen) {
  std::vector<std::string> names;
  names.reserve(chosen.size());
  for (const Chosen& one : chosen) names.push_back(one.queue);
  const std::string queues =
      StrCat(" (", names.size() == 1 ? "queue " : "queues ", Join(names, ", "), ")\n");
  const bool removed = changed.queue_removed.value_or(false);
  session.terminal.Out(StrCat(CountedJobs(changed.jobs), " ", verb.done, queues));
  if (removed) {
    session.terminal.Out(StrCat("queue ", names.front(), " removed, with its limits\n"));
  }
  if (changed.jobs > 0) {
    session.terminal.Note(verb.next);
  } else if (!removed) {
    session.terminal.Note(WhyNothing(flags, verb, changed.errors));
  }
}

int Change(Session& session, const ChangeFlags& flags, const Verb& verb) {
  const auto stop = [&](const Error& error) { return StopJobs(session, flags.jobs, error); };
  if (flags.queue_too && !flags.all) {
    return stop({.code = Code::kConfigError,
                 .message = "--queue-too removes a queue with all of its jobs: say --all as well"});
  }
  const bool unclear = flags.all ? flags.filters() : verb.needs_choice && !flags.filters();
  if (unclear) {
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
  if (flags.queue_too) {
    const Result<void> removable = MayBeRemoved(store, chosen->front().queue, opened->flag);
    if (!removable) return stop(removable.error());
  }
  const Result<Changed> changed = ApplyAll(flags, verb, store, *chosen);
  if (!changed) return stop(changed.error());
  const int code = changed->queue_removed.value_or(true) ? kExitOk : kExitFailed;
  if (code != kExitOk) {
    session.terminal.Warn(
        StrCat("queue ", chosen->front().queue, " stays: jobs or a worker came meanwhile"));
  }
  if (flags.jobs.json()) {
    session.terminal.Out(ChangeJson(verb, *changed, *chosen));
    return code;
  }
  TellChange(session, flags, verb, *changed, *chosen);
  if (changed->jobs == 0 || verb.what != What::kRetry) return code;
  const Result<std::vector<jobs::WorkerInfo>> workers = store.Workers();
  if (workers && workers->empty()) {
    session.terminal.Note(
        StrCat("no worker is there; start one with: weir jobs work", opened->flag));
  }
  return code;
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
  CLI::App& command = AddVerb(jobs, session, flags, Retry());
  SwitchFlag(command, "--all", flags->all, "every failed or cancelled job of the queue (default)");
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
  SwitchFlag(command, "--queue-too", flags->queue_too,
             "with --all: the queue itself, when no job of it is open and no worker is there");
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
