#include "weir/engine/managed/servers.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/engine/managed/server_probe.h"
#include "weir/engine/managed/start_failure.h"

namespace weir::engine {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kFirstPort = 8000;
constexpr std::int64_t kPortsTried = 1000;
constexpr Duration kLockWait = milliseconds(50);
constexpr Duration kLook = milliseconds(50);  // how soon the end of a process is noticed
constexpr Duration kFirstWait = milliseconds(100);
constexpr Duration kLongestWait = std::chrono::seconds(2);
constexpr Duration kKillTime = std::chrono::seconds(5);  // for a killed process to be gone
constexpr std::size_t kTailLines = 20;

std::int64_t MillisSince(const async::Context& ctx, TimePoint start) {
  return (ctx.Now() - start) / milliseconds(1);
}

// The same loop and the same listeners, but nothing ends it.
async::Context Unhurried(const async::Context& ctx) {
  async::Context quiet(*ctx.loop);
  quiet.trace = ctx.trace;
  return quiet;
}

std::unexpected<Error> OtherModel(const ManagedEngine& engine, const std::string& there) {
  return Fail(Code::kConfigError,
              StrCat("port ", engine.port, " has a server with the model '", there,
                     "', and engine '", engine.http.name, "' wants '", engine.http.model,
                     "'; one server serves one model: give the engine another serve.port, or leave "
                     "it away and one is found"));
}

// Begun anew: what an earlier server wrote is gone.
struct LogFile {
  explicit LogFile(const std::string& path)
      : fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)) {}
  ~LogFile() {
    if (fd >= 0) ::close(fd);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  const int fd;
};

Error NoProgram(const ManagedEngine& engine, Error error) {
  if (error.code != Code::kConfigError) return error;
  if (engine.serve.command.empty()) {
    error.message = StrCat("engine '", engine.http.name,
                           "' cannot be started: there is no program 'vllm' on PATH; install vLLM "
                           "(pip install vllm), name another program in serve.command, or set "
                           "base_url to a server that runs elsewhere");
  } else {
    error.message = StrCat("engine '", engine.http.name, "' cannot be started: ", error.message);
  }
  return error;
}

void EmitServer(const async::Context& ctx, std::string_view name, const ServerRecord& record,
                TimePoint start) {
  ctx.Emit(name, {{"engine", record.engine},
                  {"model", record.model},
                  {"pid", std::int64_t{record.pid}},
                  {"port", record.port},
                  {"ms", MillisSince(ctx, start)}});
}

void EmitStop(const async::Context& ctx, const ServerRecord& record, TimePoint start, bool in_use,
              bool gone) {
  ctx.Emit("engine.stop", {{"engine", record.engine},
                           {"model", record.model},
                           {"pid", std::int64_t{record.pid}},
                           {"port", record.port},
                           {"ms", MillisSince(ctx, start)},
                           {"in_use", in_use},
                           {"gone", gone}});
}

}  // namespace

std::string AddressOf(std::int64_t port) { return StrCat("http://", kServerHost, ":", port); }

Result<std::unique_ptr<Servers>> Servers::Open(ServersOptions options) {
  WEIR_TRY(ServerFolder folder, ServerFolder::Open(options.env));
  return std::unique_ptr<Servers>(new Servers(std::move(options), std::move(folder)));
}

Servers::Servers(ServersOptions options, ServerFolder folder)
    : options_(std::move(options)),
      folder_(std::move(folder)),
      client_(std::make_unique<http::Client>(http::ClientOptions{}, http::NewSystemDialer({}))) {}

Servers::~Servers() {
  for (auto& [name, held] : held_) {
    if (held.child != nullptr) held.child->Leave();
  }
}

async::Task<Result<std::int64_t>> Servers::ChoosePort(async::Context ctx, ManagedEngine engine,
                                                      std::size_t index,
                                                      std::set<std::int64_t> taken) {
  const std::vector<ServerRecord> records = folder_.List();
  for (const ServerRecord& record : records) {
    const bool same = record.engine == engine.http.name && record.model == engine.http.model;
    if (!same || taken.contains(record.port)) continue;
    bool ours = false;
    WEIR_CO_TRY(ours, co_await Reserve(ctx, engine, record.port));
    if (ours) co_return record.port;
  }
  const std::int64_t first = kFirstPort + static_cast<std::int64_t>(index);
  for (std::int64_t port = first; port < first + kPortsTried; ++port) {
    const bool known = std::ranges::find(records, port, &ServerRecord::port) != records.end();
    if (known || taken.contains(port)) continue;
    const ServerSight sight = co_await LookAtPort(ctx, *client_, engine.http, port);
    const bool serves = sight.what == ServerSight::What::kModels && sight.Has(engine.http.model);
    if (sight.what == ServerSight::What::kNothing || serves) {
      bool ours = false;
      WEIR_CO_TRY(ours, co_await Reserve(ctx, engine, port));
      if (ours) co_return port;
    }
    if (ctx.cancelled()) co_return Fail(async::CancelledError());
  }
  co_return Fail(Code::kConfigError,
                 StrCat("no port from ", first, " to ", first + kPortsTried - 1,
                        " is free; set serve.port of engine '", engine.http.name, "'"));
}

async::Task<Result<bool>> Servers::Reserve(async::Context ctx, ManagedEngine engine,
                                           std::int64_t port) {
  const std::string what = StrCat(engine.http.name, "\n", engine.http.model, "\n");
  WEIR_CO_TRY(const store::FileLock start,
              co_await Lock(ctx, folder_.StartLock(port), store::LockMode::kExclusive));
  {
    WEIR_CO_TRY(const store::LockAttempt alone,
                store::FileLock::TryAcquire(folder_.ChoiceLock(port)));
    if (alone.lock) {
      WEIR_CO_CHECK(folder_.WriteChoice(port, what));
    } else if (folder_.ReadChoice(port) != what) {
      co_return false;
    }
  }
  WEIR_CO_TRY(store::LockAttempt shared,
              store::FileLock::TryAcquire(folder_.ChoiceLock(port), store::LockMode::kShared));
  if (shared.lock) chosen_.emplace(port, *std::move(shared.lock));
  co_return shared.lock.has_value();
}

async::Task<Result<RunningServer>> Servers::Start(async::Context ctx, ManagedEngine engine) {
  engine.http.upstream.base_url = AddressOf(engine.port);
  const std::string name = engine.http.name;
  if (const auto known = held_.find(name); known != held_.end() && Ended(known->second)) {
    co_await Stop(ctx, name);
  }
  WEIR_CO_CHECK(co_await Obtain(ctx, engine));
  const Result<void> ready = co_await WaitUntilReady(ctx, engine);
  if (!ready) {
    const Held& failed = held_.at(name);
    const bool for_a_person = failed.child != nullptr && !failed.use;
    if (for_a_person) (void)co_await Kill(ctx, failed.record);  // the error is what is told
    co_await Stop(ctx, name);
    co_return Fail(ready.error());
  }
  const Held& held = held_.at(name);
  co_return RunningServer{.base_url = engine.http.upstream.base_url,
                          .port = engine.port,
                          .pid = held.record.pid,
                          .reused = held.child == nullptr,
                          .owner = held.foreign ? ServerRecord::Owner::kUser : held.record.owner};
}

async::Task<Result<store::FileLock>> Servers::Lock(async::Context ctx, std::string path,
                                                   store::LockMode mode) {
  for (;;) {
    WEIR_CO_TRY(store::LockAttempt attempt, store::FileLock::TryAcquire(path, mode));
    if (attempt.lock) co_return *std::move(attempt.lock);
    WEIR_CO_CHECK(co_await async::Sleep(ctx, kLockWait));
  }
}

async::Task<Result<void>> Servers::Obtain(async::Context ctx, ManagedEngine engine) {
  const std::string name = engine.http.name;
  WEIR_CO_TRY(const store::FileLock start,
              co_await Lock(ctx, folder_.StartLock(engine.port), store::LockMode::kExclusive));
  if (held_.contains(name)) co_return Result<void>();
  // From here on nobody stops what is there.
  WEIR_CO_TRY(store::FileLock use,
              co_await Lock(ctx, folder_.UseLock(engine.port), store::LockMode::kShared));
  if (std::optional<ServerRecord> record = folder_.Find(engine.port)) {
    co_return Share(ctx, engine, *std::move(record), std::move(use));
  }
  const ServerSight sight = co_await LookAtPort(ctx, *client_, engine.http, engine.port);
  if (sight.what == ServerSight::What::kNothing) co_return Spawn(ctx, engine, std::move(use));
  if (sight.what == ServerSight::What::kOther) {
    co_return Fail(Code::kConfigError, StrCat("port ", engine.port,
                                              " is taken by something that lists no models; give "
                                              "engine '",
                                              name,
                                              "' another serve.port, or leave it away and one is "
                                              "found"));
  }
  if (!sight.Has(engine.http.model)) co_return OtherModel(engine, Join(sight.models, ", "));
  ServerRecord record;
  record.engine = name;
  record.model = engine.http.model;
  record.port = engine.port;
  EmitServer(ctx, "engine.reuse", record, ctx.Now());
  Held held{.record = std::move(record), .foreign = true};
  held_.emplace(name, std::move(held));
  co_return Result<void>();
}

Result<void> Servers::Share(const async::Context& ctx, const ManagedEngine& engine,
                            ServerRecord record, store::FileLock use) {
  const std::string& model = engine.http.model;
  if (!model.empty() && record.model != model) return OtherModel(engine, record.model);
  Held held{.record = std::move(record)};
  if (held.record.owner == ServerRecord::Owner::kRun) {
    WEIR_TRY(Watcher watcher,
             Watcher::Start(folder_.UseLock(engine.port), held.record.stop_timeout));
    watcher.Watch(held.record.pid);
    held.watcher.emplace(std::move(watcher));
    held.use.emplace(std::move(use));
  }
  EmitServer(ctx, "engine.reuse", held.record, ctx.Now());
  held_.emplace(engine.http.name, std::move(held));
  return {};
}

Result<void> Servers::Spawn(const async::Context& ctx, const ManagedEngine& engine,
                            store::FileLock use) {
  const std::string& name = engine.http.name;
  if (engine.http.model.empty() && engine.serve.command.empty()) {
    return Fail(Code::kConfigError, StrCat("engine '", name,
                                           "' has no model, and a server cannot "
                                           "be started without one; set `model`"));
  }
  ServeCommand command = BuildServeCommand(engine.serve, engine.model, engine.port, options_.env);
  for (const std::string& warning : command.warnings) {
    ctx.Emit("engine.warning", {{"engine", name}, {"message", warning}});
  }
  WEIR_CHECK(CheckGpus(engine.serve, command.env, name, options_.gpu_folder));

  Held held;
  ServerRecord& record = held.record;
  record.engine = name;
  record.model = engine.http.model;
  record.port = engine.port;
  record.started = ctx.loop->WallNanos();
  record.stop_timeout = engine.serve.stop_timeout;
  record.log = folder_.LogPath(name, engine.port);
  record.owner = options_.owner;
  const LogFile log(record.log);
  ::unlink(OlderLog(record.log).c_str());
  async::ChildOptions child{.argv = std::move(command.argv),
                            .env = std::move(command.env),
                            .own_session = true,
                            .output_fd = log.fd,
                            .error_fd = log.fd};
  if (options_.owner == ServerRecord::Owner::kRun) {
    WEIR_TRY(Watcher watcher,
             Watcher::Start(folder_.UseLock(engine.port), engine.serve.stop_timeout));
    child.announce_fd = watcher.announce_fd();
    held.watcher.emplace(std::move(watcher));
    held.use.emplace(std::move(use));
  }
  Result<std::unique_ptr<async::Child>> started = async::Child::Start(*ctx.loop, std::move(child));
  if (!started) return Fail(NoProgram(engine, std::move(started).error()));
  held.child = *std::move(started);
  record.pid = held.child->pid();
  record.birth = BirthOf(record.pid).value_or(0);
  WEIR_CHECK(folder_.Write(record));
  // A server that has ended already needs nobody, and one without a keeper works all the same.
  (void)KeepLogShort(record.log, record.pid, options_.max_log_bytes);
  EmitServer(ctx, "engine.start", record, ctx.Now());
  held_.emplace(name, std::move(held));
  return {};
}

bool Servers::IsAlive(const std::string& name) const {
  const auto held = held_.find(name);
  return held == held_.end() || !Ended(held->second);
}

std::optional<std::string> Servers::Ended(const Held& held) const {
  if (held.foreign) return std::nullopt;
  if (held.child != nullptr) {
    const std::optional<async::ChildExit> exit = held.child->Ended();
    if (!exit) return std::nullopt;
    return StrCat("'", held.child->name(), "' ", Describe(*exit));
  }
  if (BirthOf(held.record.pid) == held.record.birth) return std::nullopt;
  return "its process ended";
}

async::Task<Result<void>> Servers::WaitUntilReady(async::Context ctx, ManagedEngine engine) {
  const Held& held = held_.at(engine.http.name);
  if (held.foreign) co_return Result<void>();
  const TimePoint start = ctx.Now();
  const TimePoint limit = After(start, engine.serve.startup_timeout);
  const auto failed = [&](Code code, std::string_view what) {
    const std::string tail = LogTail(held.record.log, kTailLines);
    const std::string hint = StartHint(tail);
    ctx.Emit("engine.log", {{"engine", held.record.engine},
                            {"model", held.record.model},
                            {"pid", std::int64_t{held.record.pid}},
                            {"port", held.record.port},
                            {"ms", MillisSince(ctx, start)},
                            {"log", held.record.log},
                            {"tail", tail}});
    return Fail(code, StrCat("engine '", engine.http.name, "' did not start: ", what,
                             hint.empty() ? "" : "; ", hint, "; its log, ", held.record.log,
                             tail.empty() ? ", is empty" : ", ends so:\n", tail));
  };
  // What this process did not start may be anything that answers.
  const bool any = !engine.serve.command.empty() && engine.http.kind != wire::ServerKind::kVllm;
  const std::string model = any ? "" : engine.http.model;
  for (Duration wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
    const Result<void> ready =
        co_await CheckServer(ctx, *client_, engine.http, engine.serve.health, model);
    const std::optional<std::string> ended = Ended(held);
    if (ended) {
      co_return failed(Code::kConnectionError,
                       StrCat(*ended, " after ", FormatMillis(MillisSince(ctx, start))));
    }
    if (ready) {
      EmitServer(ctx, "engine.ready", held.record, start);
      co_return Result<void>();
    }
    if (ready.error().code == Code::kConfigError) {
      co_return failed(Code::kConfigError, ready.error().message);
    }
    if (ctx.Now() >= limit) {
      const bool spoke = ready.error().code == Code::kHttpStatus;
      co_return failed(Code::kConnectionError,
                       StrCat("it did not answer within ",
                              FormatMillis(engine.serve.startup_timeout / milliseconds(1)),
                              " (serve.startup_timeout)", spoke ? ": " : "",
                              spoke ? ready.error().message : ""));
    }
    const TimePoint until = std::min(After(ctx.Now(), wait), limit);
    while (ctx.Now() < until && !Ended(held)) {
      const Duration pause = std::min(kLook, until - ctx.Now());
      WEIR_CO_CHECK(co_await async::Sleep(ctx, pause));
    }
  }
}

async::Task<void> Servers::Stop(async::Context ctx, std::string engine) {
  const auto found = held_.find(engine);
  if (found == held_.end()) co_return;
  Held held = std::move(found->second);
  held_.erase(found);
  if (!held.use) {  // not ours to stop
    if (held.child != nullptr) {
      held.child->Leave();
      left_.push_back(std::move(held.child));
    }
    co_return;
  }
  const TimePoint start = ctx.Now();
  // Whoever leaves last gets the lock alone.
  held.use.reset();
  const Result<store::LockAttempt> alone =
      store::FileLock::TryAcquire(folder_.UseLock(held.record.port), store::LockMode::kExclusive);
  const bool last = !alone || alone->lock;
  const bool gone = last && co_await Kill(ctx, held.record, held.child != nullptr);
  if (!last || gone) held.watcher->Release();
  if (!last && held.child != nullptr) {
    held.child->Leave();
    left_.push_back(std::move(held.child));
  }
  EmitStop(ctx, held.record, start, !last, gone);
}

async::Task<bool> Servers::End(async::Context ctx, ServerRecord record) {
  const TimePoint start = ctx.Now();
  const bool gone = co_await Kill(ctx, record);
  EmitStop(ctx, record, start, false, gone);
  co_return gone;
}

async::Task<bool> Servers::Kill(async::Context ctx, ServerRecord record, bool own) {
  const async::Context quiet = Unhurried(ctx);
  const auto alive = [&] { return BirthOf(record.pid) == record.birth; };
  const bool was_there = alive();
  const std::pair<int, Duration> ways[] = {{SIGTERM, record.stop_timeout}, {SIGKILL, kKillTime}};
  for (const auto& [number, time] : ways) {
    if (alive()) ::kill(-record.pid, number);
    const TimePoint until = After(quiet.Now(), time);
    while (alive() && quiet.Now() < until) {
      (void)co_await async::Sleep(quiet, milliseconds(10));  // nothing ends it early
    }
  }
  if (alive()) co_return false;
  // What the server has left behind. Of one that ended long ago, the number may be another's now.
  if (was_there || own) ::kill(-record.pid, SIGKILL);
  folder_.Remove(record);
  co_return true;
}

}  // namespace weir::engine
