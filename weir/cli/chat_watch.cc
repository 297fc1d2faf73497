#include "weir/cli/chat_watch.h"

#include <csignal>
#include <utility>

#include "weir/base/text.h"
#include "weir/engine/control.h"

namespace weir::cli {
namespace {

// A server that refuses the question is there all the same.
bool IsThere(const Result<void>& healthy) {
  return healthy || (healthy.error().http_status >= 400 && healthy.error().http_status < 500);
}

}  // namespace

ChatWatch::ChatWatch(Session& session, async::Loop& loop, Talk& talk)
    : session_(session),
      loop_(loop),
      talk_(talk),
      hangup_(loop, {SIGHUP}, [this](int) { hung_up_ = true; }),
      heard_(loop.Now()) {
  Result<config::ConfigWatcher> config =
      config::ConfigWatcher::Start(session.config_file, session.env);
  if (config) config_ = *std::move(config);
}

void ChatWatch::Look() {
  // Signals that came while nothing ran are told when the loop runs.
  (void)loop_.Run(async::Sleep(async::Context(loop_), std::chrono::milliseconds(1)));
  FollowConfig();
  CheckHealth();
}

void ChatWatch::FollowConfig() {
  if (!config_) return;
  const bool asked = std::exchange(hung_up_, false);
  Result<bool> changed = config_->Poll();
  if (changed && !*changed && asked) {
    const Result<void> again = config_->Reload();
    changed = again ? Result<bool>(true) : Result<bool>(std::unexpected<Error>(again.error()));
  }
  if (changed && !*changed) return;
  const Result<void> taken = changed ? talk_.UseEngine(std::string(talk_.chat.engine))
                                     : Result<void>(std::unexpected<Error>(changed.error()));
  if (taken) {
    session_.terminal.Note("configuration read again");
  } else {
    session_.terminal.Warn(StrCat("the configuration stays as it was: ", taken.error().message));
  }
}

void ChatWatch::CheckHealth() {
  const config::EngineConfig& engine = talk_.engine_config();
  const bool due = loop_.Now() - heard_ >= engine.health.interval;
  if (engine.kind == config::Kind::kSim || engine.health.interval == Duration::zero() || !due) {
    return;
  }
  const std::unique_ptr<http::Client> transport = client::BuildTransport(engine, session_.env);
  const Result<std::unique_ptr<engine::Control>> control =
      engine::Control::Make(client::HttpOptionsOf(engine), *transport);
  if (!control) return;
  Result<void> healthy;
  {
    Work work(loop_, session_.terminal, talk_.sinks());
    const async::Context ctx = work.NewContext(engine.health.timeout);
    healthy = loop_.Run((*control)->Ready(ctx, ""));
    const bool stopped = !healthy && healthy.error().code == Code::kCancelled;
    if (stopped || IsThere(healthy) == (away_ != engine.name)) return;
    if (IsThere(healthy)) {
      ctx.Emit("health.ok", {{"base_url", engine.http.upstream.base_url}});
    } else {
      ctx.Emit("health.fail", {{"base_url", engine.http.upstream.base_url},
                               {"error", Name(healthy.error())},
                               {"message", healthy.error().message}});
    }
  }
  TellHealth(healthy);
}

void ChatWatch::TellHealth(const Result<void>& healthy) {
  const std::string& name = talk_.engine_config().name;
  if (IsThere(healthy)) {
    away_.clear();
    session_.terminal.Note(StrCat("engine ", name, " is there again"));
  } else {
    away_ = name;
    session_.terminal.Warn(StrCat("engine ", name, " is away: ", healthy.error().message));
  }
}

}  // namespace weir::cli
