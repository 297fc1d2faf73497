#pragma once

// Servers: the model servers that this process starts, shares with others, and stops.
//
// A server belongs to a port. Runs that use one hold its lock together; the last that leaves stops
// it, whichever of them started it. Servers that weir did not start, and those that a person
// started (owner kUser), are used where they serve the model, and never stopped by a run.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "weir/async/child.h"
#include "weir/engine/http_engine.h"
#include "weir/engine/managed/gpus.h"
#include "weir/engine/managed/log_keeper.h"
#include "weir/engine/managed/serve_command.h"
#include "weir/engine/managed/server_folder.h"
#include "weir/engine/managed/watcher.h"
#include "weir/store/lock.h"

namespace weir::engine {

// An engine whose server is to be managed.
struct ManagedEngine {
  HttpEngineOptions http;  // `model` is what the server calls it; the address is made of `port`
  std::string model;       // what it is started with
  ServeOptions serve;
  std::int64_t port = 0;  // of FixedPort or ChoosePort
};

struct ServersOptions {
  Env env;  // what servers get
  ServerRecord::Owner owner = ServerRecord::Owner::kRun;
  std::string gpu_folder = kGpuFolder;
  std::int64_t max_log_bytes = kMostLogBytes;  // of each log, and as many of its older part
};

// One that answers.
struct RunningServer {
  std::string base_url;  // "http://127.0.0.1:8000"
  std::int64_t port = 0;
  pid_t pid = 0;  // 0: weir did not start it
  bool reused = false;
  ServerRecord::Owner owner = ServerRecord::Owner::kUser;
};

std::string AddressOf(std::int64_t port);

class Servers {
 public:
  static Result<std::unique_ptr<Servers>> Open(ServersOptions options);
  // What was not stopped is ended by its watcher, if nobody else uses it.
  ~Servers();
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;

  // The port that an engine without a fixed one gets, for good: where a server for it runs already,
  // else the first from 8000 + `index` on that is free and not in `taken`. As long as this object
  // lives no other process chooses it, but for the same engine and model: those share the server.
  async::Task<Result<std::int64_t>> ChoosePort(async::Context ctx, ManagedEngine engine,
                                               std::size_t index, std::set<std::int64_t> taken);

  // Waits until there is a server that answers and lists the model: the one that is there, or a new
  // one. Fails with kConfigError when the port has another model or the program is not there, and
  // with kConnectionError when the server does not come up; the message has the end of its log.
  // Events: engine.start, engine.reuse, engine.ready; engine.log when it fails.
  async::Task<Result<RunningServer>> Start(async::Context ctx, ManagedEngine engine);

  // Leaves the server of that engine, and waits until its process is gone if nobody else uses it,
  // however the context ends. Event: engine.stop.
  async::Task<void> Stop(async::Context ctx, std::string engine);

  // Stops a server whoever uses it: SIGTERM, after its stop_timeout SIGKILL. False: it is still
  // there.
  async::Task<bool> End(async::Context ctx, ServerRecord record);

  const ServerFolder& folder() const { return folder_; }

  // False: the server that was started or found for the engine has ended by itself.
  bool IsAlive(const std::string& name) const;

 private:
  // A server that this process uses.
  struct Held {
    ServerRecord record;
    std::optional<store::FileLock> use;  // empty: it is not ours to stop
    std::optional<Watcher> watcher;
    std::unique_ptr<async::Child> child;  // null: another process started it
    bool foreign = false;                 // weir did not start it
  };
  Servers(ServersOptions options, ServerFolder folder);

  async::Task<Result<store::FileLock>> Lock(async::Context ctx, std::string path,
                                            store::LockMode mode);
  // Whether the port is this engine's from now on.
  async::Task<Result<bool>> Reserve(async::Context ctx, ManagedEngine engine, std::int64_t port);
  // Until somebody has a server for it; it need not answer yet.
  async::Task<Result<void>> Obtain(async::Context ctx, ManagedEngine engine);
  Result<void> Share(const async::Context& ctx, const ManagedEngine& engine, ServerRecord record,
                     store::FileLock use);
  Result<void> Spawn(const async::Context& ctx, const ManagedEngine& engine, store::FileLock use);
  async::Task<Result<void>> WaitUntilReady(async::Context ctx, ManagedEngine engine);
  // `own`: its process is a child of ours, so that its number cannot be another's.
  async::Task<bool> Kill(async::Context ctx, ServerRecord record, bool own = false);
  // How the process ended, if it has.
  std::optional<std::string> Ended(const Held& held) const;

  const ServersOptions options_;
  const ServerFolder folder_;
  const std::unique_ptr<http::Client> client_;
  std::map<std::string, Held, std::less<>> held_;    // by engine
  std::map<std::int64_t, store::FileLock> chosen_;   // by port
  std::vector<std::unique_ptr<async::Child>> left_;  // others use them
};

}  // namespace weir::engine
