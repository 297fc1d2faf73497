#include "weir/cli/engines_start.h"

#include "weir/base/text.h"
#include "weir/cli/engines_show.h"
#include "weir/cli/print.h"
#include "weir/cli/work.h"
#include "weir/client/engine_host.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr Duration kLookTime = std::chrono::seconds(10);

// One engine after all was tried.
struct Tried {
  std::string engine;
  std::string model;
  std::string base_url;
  std::int64_t port = 0;
  pid_t pid = 0;  // 0: weir did not start it
  bool reused = false;
  std::optional<Error> error;
};

class Starter {
 public:
  Starter(Session& session, StartJob job) : session_(session), job_(std::move(job)) {}

  int Run() {
    async::Loop loop;  // outlives the connections
    Work work(loop, session_.terminal);
    const async::Context ctx = work.NewContext({});
    client::EngineHostOptions options{.config = job_.config,
                                      .chosen = *job_.config.Find(job_.engines.front()),
                                      .env = session_.env,
                                      .owner = ServerRecord::Owner::kUser};
    const Result<std::unique_ptr<client::EngineHost>> host =
        loop.Run(client::EngineHost::Open(ctx, std::move(options)));
    if (!host) return Refuse(host.error());
    for (const std::string& name : job_.engines) {
      const config::EngineConfig& engine = *(*host)->Find(name);
      tried_.push_back(engine.managed ? Start(loop, ctx, **host, engine)
                                      : LookAt(loop, ctx, **host, engine));
      if (!job_.json && !IsTolerated(tried_.back())) Tell(tried_.back());
      if (ctx.cancelled()) break;
    }
    for (const Tried& tried : tried_) {
      if (!job_.json && IsTolerated(tried)) Tell(tried);
    }
    if (job_.json) session_.terminal.Out(Json());
    return Code();
  }

 private:
  int Refuse(const Error& error) {
    if (job_.json) session_.terminal.Out(ErrorJson(error));
    session_.terminal.Problem(error);
    return ExitCode(error);
  }

  Tried Start(async::Loop& loop, const async::Context& ctx, client::EngineHost& host,
              const config::EngineConfig& engine) {
    const Result<engine::RunningServer> running = loop.Run(host.Up(ctx, engine.name));
    Tried tried{.engine = engine.name, .model = engine.http.model};
    if (!running) {
      tried.error = running.error();
      return tried;
    }
    if (running->owner == ServerRecord::Owner::kRun) {
      session_.terminal.Warn(StrCat("the server of engine ", engine.name,
                                    " was started by a run and ends with the last that uses it"));
    }
    tried.base_url = PublicAddress(running->port);
    tried.port = running->port;
    tried.pid = running->pid;
    tried.reused = running->reused;
    return tried;
  }

  static Tried LookAt(async::Loop& loop, const async::Context& ctx, client::EngineHost& host,
                      const config::EngineConfig& engine) {
    Tried tried{.engine = engine.name,
                .model = engine.http.model,
                .base_url = engine.kind == config::Kind::kSim ? "" : engine.http.upstream.base_url,
                .reused = true};
    const Result<std::shared_ptr<model::Engine>> asked = host.Get(engine.name);
    if (!asked) {
      tried.error = asked.error();
      return tried;
    }
    const async::Context look = ctx.WithTimeout(kLookTime);
    const Result<model::EngineInfo> info = loop.Run((*asked)->Describe(look));
    if (!info) tried.error = info.error();
    return tried;
  }

  // Some may fail where others are ready; only the end tells.
  bool IsTolerated(const Tried& tried) const {
    return job_.lenient && tried.error && tried.error->code != weir::Code::kCancelled;
  }

  void Tell(const Tried& tried) {
    if (!tried.error) {
      const std::string where = tried.base_url.empty() ? "(in this process)" : tried.base_url;
      session_.terminal.Out(StrCat(job_.with_names ? StrCat(tried.engine, " ") : "", where, "\n"));
    } else if (IsTolerated(tried) && Code() == kExitOk) {
      session_.terminal.Warn(Describe(*tried.error));
    } else {
      session_.terminal.Problem(*tried.error);
    }
  }

  std::string Json() const {
    std::string text;
    json::Writer out(text);
    out.BeginObject();
    out.Key("engines");
    out.BeginArray();
    for (const Tried& tried : tried_) {
      out.BeginObject();
      out.Field("engine", tried.engine);
      out.Field("model", tried.model);
      out.Key("ready");
      out.Bool(!tried.error);
      if (!tried.base_url.empty()) out.Field("base_url", tried.base_url);
      if (tried.pid != 0) {
        out.Key("port");
        out.Int(tried.port);
        out.Key("pid");
        out.Int(tried.pid);
      }
      if (!tried.error) {
        out.Key("reused");
        out.Bool(tried.reused);
      } else {
        out.Field("error", Name(*tried.error));
        out.Field("message", tried.error->message);
      }
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
    return text + "\n";
  }

  int Code() const {
    int code = kExitOk;
    bool ready = false;
    for (const Tried& tried : tried_) {
      if (tried.error) code = ExitCode(*tried.error);
      ready = ready || !tried.error;
    }
    return job_.lenient && ready && code != kExitCancelled ? kExitOk : code;
  }

  Session& session_;
  const StartJob job_;
  std::vector<Tried> tried_;
};

}  // namespace

int StartEngines(Session& session, StartJob job) { return Starter(session, std::move(job)).Run(); }

}  // namespace weir::cli
