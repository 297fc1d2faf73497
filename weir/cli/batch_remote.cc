#include "weir/cli/batch_remote.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "weir/base/clock.h"
#include "weir/base/limits.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/batch_view.h"
#include "weir/cli/input.h"
#include "weir/cli/listeners.h"
#include "weir/cli/out_file.h"
#include "weir/cli/run_call.h"
#include "weir/cli/run_view.h"
#include "weir/cli/work.h"
#include "weir/client/proxy_advice.h"
#include "weir/client/wiring.h"
#include "weir/jobs/batch_job.h"
#include "weir/store/files.h"
#include "weir/store/lock.h"

namespace weir::cli {
namespace {

using jobs::BatchState;

constexpr std::int64_t kUsuallyListed = 20;
constexpr std::size_t kMostPage = 100;
constexpr double kMostPoll = 3600;

// Whoever goes on may do so from another folder.
std::string AbsolutePath(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  return failed ? path : absolute.lexically_normal().string();
}

bool IsTaken(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

std::int64_t NowSeconds() { return SystemClock().WallNanos() / kNanosPerSecond; }

// The server, and what is needed to ask it.
class Provider {
 public:
  static Result<std::unique_ptr<Provider>> Open(const CommonFlags& common, Session& session) {
    auto provider = std::make_unique<Provider>(session);
    WEIR_TRY(provider->chosen_, EngineOf(common, session));
    const config::EngineConfig& engine = provider->chosen_.engine;
    if (engine.kind == config::Kind::kSim) {
      return Fail(Code::kUnsupportedParam,
                  "the embedded simulator keeps no batches: run the file with `weir batch run`, or "
                  "start `weir sim --dialect openai` and give its address with -e");
    }
    provider->transport_ = client::BuildTransport(engine, session.env);
    WEIR_TRY(provider->api_,
             jobs::BatchApi::Make(client::HttpOptionsOf(engine).upstream, *provider->transport_));
    WEIR_TRY(provider->listeners_, Listeners::Open(provider->loop_, provider->chosen_.config.events,
                                                   common.events_file, session));
    provider->work_.emplace(provider->loop_, session.terminal, provider->listeners_->sinks());
    return provider;
  }

  explicit Provider(Session& session) : session_(session) {}
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;
  ~Provider() {
    if (listeners_) listeners_->Finish(session_.terminal);
  }

  jobs::BatchApi& api() { return *api_; }
  async::Loop& loop() { return loop_; }
  async::Context context() { return work_->NewContext(Duration::zero()); }
  const config::EngineConfig& engine() const { return chosen_.engine; }

 private:
  Session& session_;
  async::Loop loop_;  // outlives the connections
  ChosenEngine chosen_;
  std::unique_ptr<http::Client> transport_;
  std::unique_ptr<jobs::BatchApi> api_;
  std::optional<Listeners> listeners_;
  std::optional<Work> work_;
};

// One process at a time works on an output.
Result<store::FileLock> LockOutput(const std::string& out) {
  std::error_code failed;
  std::filesystem::create_directories(jobs::BatchFolder(out), failed);
  if (failed) {
    return Fail(Code::kConfigError, StrCat("cannot make the folder ", jobs::BatchFolder(out)),
                failed.message());
  }
  WEIR_TRY(store::LockAttempt attempt,
           store::FileLock::TryAcquire(jobs::BatchFolder(out) + "/lock"));
  if (attempt.lock) return *std::move(attempt.lock);
  return Fail(Code::kConfigError,
              StrCat("another weir works on ", out,
                     attempt.holder > 0 ? StrCat(" (process ", attempt.holder, ")") : ""));
}

// To see whether somebody else has written it; what cannot be read was told by who reads it.
std::string StateText(const std::string& out) {
  const auto text = store::ReadFile(jobs::BatchStatePath(out), limits::kConfigFileBytes);
  return text ? text->value_or("") : "";
}

Result<std::map<std::string, std::string, std::less<>>> MetadataOf(const BatchFlags& flags) {
  std::map<std::string, std::string, std::less<>> metadata;
  for (const std::string& pair : flags.metadata) {
    const std::size_t equals = pair.find('=');
    if (equals == pair.npos || equals == 0) {
      return Fail(Code::kConfigError, StrCat("--metadata wants KEY=VALUE, got '", pair, "'"));
    }
    metadata.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return metadata;
}

Result<jobs::BatchJobOptions> JobOptionsOf(const BatchFlags& flags) {
  jobs::BatchJobOptions options;
  if (!flags.poll) return options;
  if (!(*flags.poll > 0 && *flags.poll <= kMostPoll)) {
    return Fail(Code::kConfigError, StrCat("--poll must be a number of seconds above 0, at most ",
                                           kMostPoll, ", got ", *flags.poll));
  }
  options.longest_wait =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*flags.poll));
  options.first_wait = std::min(options.first_wait, options.longest_wait);
  return options;
}

// Says what is wrong in the file before anything is sent.
Result<BatchState> NewState(const BatchFlags& flags, Session& session) {
  if (flags.input == "-") {
    return Fail(Code::kConfigError, "a batch is read more than once: give a file, not stdin");
  }
  WEIR_TRY(const jobs::BatchInput input, jobs::CheckBatchFile(flags.input));
  if (!input.problems.empty()) {
    session.terminal.Raw(Harmless(jobs::TellProblems(flags.input, input.problems)));
    return Fail(Code::kInvalidRequest,
                StrCat(flags.input, " is no batch file that a provider takes; nothing was sent"));
  }
  if (input.mixed_models) {
    session.terminal.Warn(StrCat(flags.input, ":", *input.mixed_models,
                                 ": asks for another model than the first request, ", input.model,
                                 "; OpenAI refuses that"));
  }
  BatchState state;
  state.input = AbsolutePath(flags.input);
  state.digest = input.digest;
  state.requests = input.requests;
  state.endpoint = input.endpoint;
  state.completion_window = flags.window;
  WEIR_TRY(state.metadata, MetadataOf(flags));
  state.rounds.push_back(jobs::NewRound(state.input, input.requests, NowSeconds()));
  return state;
}

// A state that is there already: whether it may go on, and with what.
Result<void> CheckState(const BatchState& state, const BatchFlags& flags,
                        const std::string& server) {
  const std::string path = jobs::BatchStatePath(flags.out);
  if (state.server != server) {
    return Fail(Code::kConfigError, StrCat(path, " is about a batch at ", state.server, ", not at ",
                                           server, "; choose another -o"));
  }
  WEIR_TRY(const std::string digest, jobs::DigestFile(flags.input));
  if (digest != state.digest) {
    return Fail(Code::kConfigError, StrCat(path, " is about other requests than those that are in ",
                                           flags.input, " now; choose another -o"));
  }
  if (state.collected && !flags.resubmit_missing) {
    return Fail(Code::kConfigError,
                StrCat(flags.out,
                       " is there already; choose another -o, or send what is missing "
                       "in it with --resubmit-missing"));
  }
  return {};
}

// What the provider refused as a whole has cost nothing, and may be mended and sent anew.
bool WasRefused(const BatchState& state) {
  return state.rounds.size() == 1 && state.last().status == "failed" && !state.last().fetched;
}

// What the flags say now, of a batch that was begun.
void Renew(BatchState& state, const BatchFlags& flags,
           std::map<std::string, std::string, std::less<>> metadata, Session& session) {
  state.input = AbsolutePath(flags.input);  // the same file, perhaps in another place
  if (state.rounds.size() == 1) state.last().input = state.input;
  const std::string& named = flags.common.engine;
  if (!named.empty()) state.engine = Redact(named) == named ? named : "";
  const bool ordered = state.last().ordered;
  const bool other = flags.window != state.completion_window || metadata != state.metadata;
  if (ordered && other) {
    session.terminal.Warn(
        "the batch was created already: its window and metadata stay as they are");
  } else if (other) {
    state.completion_window = flags.window;
    state.metadata = std::move(metadata);
  }
}

// Reads and checks; nothing is written or sent.
Result<BatchState> StateToSubmit(const BatchFlags& flags, Provider& provider, Session& session) {
  WEIR_TRY(std::optional<BatchState> known, jobs::ReadBatchState(flags.out));
  if (known && !WasRefused(*known)) {
    WEIR_CHECK(CheckState(*known, flags, provider.api().name()));
    WEIR_TRY(auto metadata, MetadataOf(flags));
    Renew(*known, flags, std::move(metadata), session);
    const std::string& id = known->last().batch_id;
    if (!known->collected) {
      session.terminal.Note(StrCat("going on with the batch ", id.empty() ? "that was begun" : id));
    }
    return *std::move(known);
  }
  if (flags.resubmit_missing) {
    return Fail(Code::kConfigError,
                StrCat("there is no batch of ", flags.out, " of which something could be missing"));
  }
  if (IsTaken(flags.out)) {
    return Fail(Code::kConfigError,
                StrCat(flags.out, " is there already; choose another -o, or remove it"));
  }
  WEIR_TRY(BatchState state, NewState(flags, session));
  const std::string& named = flags.common.engine;
  if (Redact(named) == named) state.engine = named;
  state.server = provider.api().name();
  return state;
}

BatchProgress::Kind ProgressOf(const BatchFlags& flags, const Session& session) {
  if (flags.quiet) return BatchProgress::Kind::kNone;
  return UsualView(session.terminal, session.env) == ViewKind::kLive ? BatchProgress::Kind::kLive
                                                                     : BatchProgress::Kind::kLines;
}

Result<wire::BatchObject> WaitFor(jobs::BatchJob& job, Provider& provider, const BatchFlags& flags,
                                  Session& session) {
  BatchProgress progress(session.terminal, ProgressOf(flags, session));
  const async::Context ctx = provider.context();
  jobs::BatchJob::Watcher watcher;
  watcher.seen = [&](const wire::BatchObject& batch) { progress.Show(batch); };
  watcher.missed = [&](const Error& error) {
    progress.End();
    session.terminal.Warn(
        StrCat("the batch could not be looked at, and will be again: ", Describe(error)));
  };
  return provider.loop().Run(job.Wait(ctx, std::move(watcher)));
}

int TellCollected(const jobs::BatchJob::Collected& collected, const jobs::BatchJob& job,
                  const BatchFlags& flags, const std::string& out, Session& session) {
  const jobs::MergeCounts& counts = collected.counts;
  if (flags.common.form() == Output::kJson) {
    session.terminal.Out(CollectedJson(collected, out, job.state().last().batch_id));
  }
  session.terminal.Note(CollectedText(collected, out));
  if (collected.strays > 0) {
    session.terminal.Warn(StrCat(collected.strays,
                                 " lines of the provider's files were no results; "
                                 "the files are in ",
                                 jobs::BatchFolder(out)));
  }
  if (counts.missing > 0) {
    session.terminal.Note(StrCat("send only those with: weir batch submit ", job.state().input,
                                 " -o ", out, " --resubmit-missing",
                                 job.state().engine.empty() ? "" : " -e ", job.state().engine));
  }
  if (counts.good == counts.total) return kExitOk;
  return counts.good == 0 ? kExitFailed : kExitSomeFailed;
}

int RefuseWithAdvice(Session& session, const BatchFlags& flags, const Provider& provider,
                     const Error& error) {
  return Refuse(session, flags.common,
                client::WithProxyAdvice(error, provider.engine(), session.env));
}

// Waits if that was asked for, and collects what has ended.
int CollectJob(jobs::BatchJob& job, Provider& provider, const BatchFlags& flags,
               const std::string& out, Session& session) {
  if (!job.state().last().fetched) {
    Result<wire::BatchObject> batch = flags.wait
                                          ? WaitFor(job, provider, flags, session)
                                          : provider.loop().Run(job.Look(provider.context()));
    if (!batch) {
      if (batch.error().code == Code::kCancelled) {
        session.terminal.Note(
            StrCat("the batch goes on at the provider; go on waiting with: weir "
                   "batch collect ",
                   out, " --wait"));
      }
      return RefuseWithAdvice(session, flags, provider, batch.error());
    }
    if (!batch->ended()) {
      session.terminal.Note(
          StrCat(BatchLine(*batch), "; wait for it with: weir batch collect ", out, " --wait"));
      return kExitUnavailable;
    }
  }
  const Result<jobs::BatchJob::Collected> collected =
      provider.loop().Run(job.Collect(provider.context()));
  if (!collected) return RefuseWithAdvice(session, flags, provider, collected.error());
  return TellCollected(*collected, job, flags, out, session);
}

// A batch by its file of answers, or by its id.
struct Known {
  std::unique_ptr<Provider> provider;
  std::optional<BatchState> state;  // by the file
  std::string id;
};

Result<Known> FindKnown(const BatchFlags& flags, Session& session) {
  Known known;
  WEIR_TRY(known.state, jobs::ReadBatchState(flags.target));
  CommonFlags common = flags.common;
  known.id = flags.target;
  if (known.state) {
    known.id = known.state->last().batch_id;
    if (known.id.empty()) {
      return Fail(Code::kConfigError, StrCat("the batch of ", flags.target,
                                             " was not sent yet; go on with: weir batch "
                                             "submit ",
                                             known.state->input, " -o ", flags.target));
    }
    if (common.engine.empty()) common.engine = known.state->engine;
  }
  WEIR_TRY(known.provider, Provider::Open(common, session));
  if (known.state && known.state->server != known.provider->api().name()) {
    return Fail(Code::kConfigError,
                StrCat("the batch of ", flags.target, " is at ", known.state->server, ", not at ",
                       known.provider->api().name(), "; name that engine with -e"));
  }
  return known;
}

// What is no file of answers is taken for an id, and may have been meant as one.
Error WithoutFile(Error error, const Known& known) {
  constexpr int kNotFound = 404;
  if (known.state || error.http_status != kNotFound) return error;
  StrAppend(error.message, "; there is no ", jobs::BatchStatePath(known.id),
            ", so that this is taken for an id: name one, or the file that `weir batch submit` was "
            "given with -o");
  return error;
}

// The state of a batch that is known by its id alone. Its requests are fetched from the provider
// when they are not here.
Result<BatchState> StateOf(const std::string& id, const BatchFlags& flags, Provider& provider) {
  if (flags.out.empty()) {
    return Fail(Code::kConfigError, StrCat("there is no ", jobs::BatchStatePath(flags.target),
                                           ", so that this is an id: say where its answers go "
                                           "with -o FILE"));
  }
  if (IsTaken(flags.out) || IsTaken(jobs::BatchStatePath(flags.out))) {
    return Fail(Code::kConfigError, StrCat(flags.out, " is there already; choose another -o"));
  }
  WEIR_TRY(const jobs::BatchApi::Look look,
           provider.loop().Run(provider.api().Get(provider.context(), id)));
  BatchState state;
  const bool fetched = flags.input.empty();
  state.input =
      AbsolutePath(fetched ? jobs::BatchFolder(flags.out) + "/1.input.jsonl" : flags.input);
  if (fetched) {
    WEIR_CHECK(provider.loop().Run(
        provider.api().Download(provider.context(), look.batch.input_file_id, state.input)));
  }
  WEIR_TRY(const jobs::BatchInput input, jobs::CheckBatchFile(state.input));
  state.digest = input.digest;
  state.requests = input.requests;
  state.endpoint = look.batch.endpoint;
  state.completion_window = look.batch.completion_window;
  if (Redact(flags.common.engine) == flags.common.engine) state.engine = flags.common.engine;
  state.server = provider.api().name();
  jobs::BatchRound round = jobs::NewRound(state.input, input.requests, look.batch.created_at);
  round.file_id = look.batch.input_file_id;
  round.ordered = true;
  round.batch_id = id;
  round.status = look.batch.status;
  state.rounds.push_back(std::move(round));
  WEIR_CHECK(jobs::WriteBatchState(flags.out, state));
  return state;
}

void TellBatch(const wire::BatchObject& batch, const BatchFlags& flags, Session& session) {
  const bool json = flags.common.form() == Output::kJson;
  session.terminal.Out((json ? wire::EncodeBatch(batch) : BatchLine(batch)) + "\n");
}

std::string ListLine(const wire::BatchObject& batch) {
  std::string line = BatchLine(batch);
  const auto key = batch.metadata.find(jobs::kBatchKey);
  if (key != batch.metadata.end()) line += "  by weir";
  return line + "\n";
}

}  // namespace

int SubmitBatch(Session& session, const BatchFlags& flags) {
  const auto refuse = [&](const Error& error) { return Refuse(session, flags.common, error); };
  const Result<void> file = CheckNoForm(flags.out, "the file of answers, --json asks for objects");
  if (!file) return refuse(file.error());
  const Result<jobs::BatchJobOptions> options = JobOptionsOf(flags);
  if (!options) return refuse(options.error());
  Result<std::unique_ptr<Provider>> provider = Provider::Open(flags.common, session);
  if (!provider) return refuse(provider.error());
  const auto before = StateText(flags.out);
  Result<BatchState> state = StateToSubmit(flags, **provider, session);
  if (!state) return refuse(state.error());
  const Result<store::FileLock> lock = LockOutput(flags.out);
  if (!lock) return refuse(lock.error());
  if (StateText(flags.out) != before) {
    return refuse({.code = Code::kConfigError,
                   .message = StrCat("another weir has worked on ", flags.out,
                                     " just now; give the command again to go on")});
  }
  jobs::BatchJob job((*provider)->api(), flags.out, *std::move(state), *options);
  if (flags.resubmit_missing && !job.state().collected) {
    const std::string id = job.state().last().batch_id;
    const Result<bool> dropped = (*provider)->loop().Run(job.DropRefused((*provider)->context()));
    if (!dropped) return RefuseWithAdvice(session, flags, **provider, dropped.error());
    if (*dropped) session.terminal.Note(StrCat("the provider has refused the batch ", id));
  }
  if (job.state().collected) {
    const Result<std::uint64_t> missing = job.SendMissing(NowSeconds());
    if (!missing) return refuse(missing.error());
    session.terminal.Note(StrCat("sending ", *missing, " requests that have no answer"));
  }
  const Result<void> sent = (*provider)->loop().Run(job.Submit((*provider)->context()));
  if (!sent) {
    session.terminal.Note(
        StrCat("the same command goes on where this one stopped; what was sent "
               "is in ",
               jobs::BatchStatePath(flags.out)));
    return RefuseWithAdvice(session, flags, **provider, sent.error());
  }
  if (flags.wait) return CollectJob(job, **provider, flags, flags.out, session);
  const std::string& id = job.state().last().batch_id;
  if (flags.common.form() == Output::kJson) {
    const Result<wire::BatchObject> look =
        (*provider)->loop().Run(job.Look((*provider)->context()));
    if (!look) return RefuseWithAdvice(session, flags, **provider, look.error());
    TellBatch(*look, flags, session);
  } else {
    session.terminal.Out(id + "\n");
  }
  session.terminal.Note(
      StrCat("collect its answers with: weir batch collect ", flags.out, " --wait"));
  return kExitOk;
}

int ShowBatch(Session& session, const BatchFlags& flags) {
  Result<Known> known = FindKnown(flags, session);
  if (!known) return Refuse(session, flags.common, known.error());
  Provider& provider = *known->provider;
  const Result<jobs::BatchApi::Look> look =
      provider.loop().Run(provider.api().Get(provider.context(), known->id));
  if (!look) return RefuseWithAdvice(session, flags, provider, WithoutFile(look.error(), *known));
  TellBatch(look->batch, flags, session);
  if (look->batch.status == "failed" && flags.common.form() == Output::kText) {
    const std::string input = known->state ? known->state->last().input : "its input";
    session.terminal.Problem(jobs::BatchFailure(look->batch, input));
  }
  return kExitOk;
}

int CollectBatch(Session& session, const BatchFlags& flags) {
  const auto refuse = [&](const Error& error) { return Refuse(session, flags.common, error); };
  const Result<void> file = CheckNoForm(flags.out, "the file of answers, --json asks for objects");
  if (!file) return refuse(file.error());
  const Result<jobs::BatchJobOptions> options = JobOptionsOf(flags);
  if (!options) return refuse(options.error());
  Result<Known> known = FindKnown(flags, session);
  if (!known) return refuse(known.error());
  const std::string out = known->state ? flags.target : flags.out;
  if (known->state && !flags.out.empty() && flags.out != flags.target) {
    return refuse({.code = Code::kConfigError,
                   .message = StrCat(flags.target, " is a file of answers itself; leave -o away")});
  }
  std::optional<store::FileLock> lock;
  if (!out.empty()) {
    Result<store::FileLock> taken = LockOutput(out);
    if (!taken) return refuse(taken.error());
    lock.emplace(*std::move(taken));
    // Until now another process may have gone on with it.
    if (known->state) known = FindKnown(flags, session);
    if (!known) return refuse(known.error());
  }
  if (!known->state) {
    Result<BatchState> state = StateOf(known->id, flags, *known->provider);
    if (!state) return RefuseWithAdvice(session, flags, *known->provider, state.error());
    known->state = *std::move(state);
  }
  if (!flags.input.empty()) known->state->input = AbsolutePath(flags.input);
  jobs::BatchJob job(known->provider->api(), out, *known->state, *options);
  return CollectJob(job, *known->provider, flags, out, session);
}

int CancelBatch(Session& session, const BatchFlags& flags) {
  Result<Known> known = FindKnown(flags, session);
  if (!known) return Refuse(session, flags.common, known.error());
  Provider& provider = *known->provider;
  const Result<wire::BatchObject> batch =
      provider.loop().Run(provider.api().Cancel(provider.context(), known->id));
  if (!batch) return RefuseWithAdvice(session, flags, provider, WithoutFile(batch.error(), *known));
  TellBatch(*batch, flags, session);
  return kExitOk;
}

int ListBatches(Session& session, const BatchFlags& flags) {
  const std::int64_t limit = flags.limit.value_or(kUsuallyListed);
  if (limit < 1) {
    return Refuse(
        session, flags.common,
        {.code = Code::kConfigError, .message = StrCat("--limit must be at least 1, got ", limit)});
  }
  Result<std::unique_ptr<Provider>> opened = Provider::Open(flags.common, session);
  if (!opened) return Refuse(session, flags.common, opened.error());
  Provider& provider = **opened;
  std::string after;
  for (auto left = static_cast<std::size_t>(limit); left > 0;) {
    const Result<wire::BatchPage> page = provider.loop().Run(
        provider.api().List(provider.context(), after, std::min(left, kMostPage)));
    if (!page) return RefuseWithAdvice(session, flags, provider, page.error());
    for (const wire::BatchObject& batch : page->batches) {
      if (left == 0) break;
      --left;
      session.terminal.Out(flags.common.form() == Output::kJson ? wire::EncodeBatch(batch) + "\n"
                                                                : ListLine(batch));
    }
    if (after.empty() && page->batches.empty()) session.terminal.Note("there are no batches");
    if (!page->more || page->batches.empty()) break;
    after = page->batches.back().id;
  }
  return kExitOk;
}

}  // namespace weir::cli
