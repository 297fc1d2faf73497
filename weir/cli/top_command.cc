#include <algorithm>
#include <csignal>
#include <memory>

#include "weir/async/signals.h"
#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"
#include "weir/cli/full_screen.h"
#include "weir/cli/input.h"
#include "weir/cli/print.h"
#include "weir/cli/run_view.h"
#include "weir/cli/server_watch.h"
#include "weir/cli/top_feed.h"
#include "weir/cli/top_frame.h"
#include "weir/cli/top_keys.h"
#include "weir/cli/top_snapshot.h"
#include "weir/cli/work.h"
#include "weir/events/control_file.h"

namespace weir::cli {
namespace {

struct TopFlags {
  std::string file;
  std::string output = "text";
  std::string agent;
  std::vector<std::string> engines;
  std::optional<double> stale;
  std::optional<double> speed;
  bool once = false;
  bool control = true;
  bool replay = false;

  bool as_json() const { return output == "json"; }
};

int Stop(Session& session, const TopFlags& flags, const Error& error) {
  if (flags.as_json()) session.terminal.Out(ErrorJson(error));
  return Refuse(session, error);
}

// The file of events that is meant.
Result<std::string> FileOf(const TopFlags& flags, const config::Config& config) {
  const std::string& path = flags.file.empty() ? config.events.file : flags.file;
  if (path.empty()) {
    return Fail(Code::kConfigError,
                "there are no events to look at: name a file of them, the folder of a run, or - "
                "for stdin; or set events.file in weir.yaml, and every call tells of itself there");
  }
  return EventFileOf(path);
}

Result<void> CheckTopFlags(const TopFlags& flags) {
  if (flags.speed && !flags.replay) {
    return Fail(Code::kConfigError, "--speed is for --replay; what happens now has its own speed");
  }
  if (flags.speed.value_or(1) <= 0) return Fail(Code::kConfigError, "--speed must be above 0");
  if (flags.stale && (*flags.stale <= 0 || *flags.stale > 1e6)) {
    return Fail(Code::kConfigError, "--stale must be above 0 seconds, and at most a million");
  }
  return {};
}

// Without a configuration that can be read, what the command line names can be looked at all the
// same.
Result<config::Config> ConfigOf(const TopFlags& flags, const Session& session) {
  Result<config::Config> config = config::Load(session.config_file, session.env);
  if (config || flags.file.empty() || !session.config_file.empty()) return config;
  session.terminal.Warn(config.error().message);
  return config::Config();
}

events::ActivityOptions OptionsOf(const TopFlags& flags) {
  events::ActivityOptions options;
  if (flags.stale) {
    options.stale_after = events::Moment(static_cast<std::int64_t>(*flags.stale * 1000));
  }
  return options;
}

class Top {
 public:
  Top(Session& session, const TopFlags& flags, const config::Config& config, std::string path)
      : session_(session),
        flags_(flags),
        config_(config),
        path_(std::move(path)),
        activity_(OptionsOf(flags)),
        work_(loop_, std::vector<TraceSink*>()),
        ctx_(work_.NewContext({})),
        servers_(ctx_, {.config = config, .env = session.env}, activity_) {}

  // One moment: of a pipe or a replay that of its last event, of a file now.
  int Once() {
    Result<EventLines> lines = EventLines::Open(session_, path_);
    if (!lines) return Stop(session_, flags_, lines.error());
    const TakeLine take = [this](std::string_view line) { AddLine(activity_, line); };
    const Result<void> read = lines->ReadAll(take);
    if (!read) return Stop(session_, flags_, read.error());
    lines->TakeRest(take);
    const bool past = path_ == kStdin || flags_.replay;
    const LiveFeed feed(loop_, *std::move(lines), activity_);
    const events::Moment now = past ? activity_.last().value_or(events::Moment()) : feed.now();
    if (!past || !flags_.engines.empty()) {
      if (!past) servers_.Look(activity_.At(now));
      loop_.Run(servers_.AskOnce(ctx_));
    }
    if (!activity_.last() && flags_.engines.empty()) {
      session_.terminal.Note(StrCat("there are no events in ", path_ == kStdin ? "stdin" : path_));
    }
    PrintSnapshot(session_, activity_.At(now),
                  {.as_json = flags_.as_json(), .agent = flags_.agent, .source = path_});
    return End({});
  }

  int Watch() {
    Result<EventLines> lines =
        flags_.replay ? EventLines::Open(session_, path_) : EventLines::OpenOrWait(session_, path_);
    if (!lines) return Stop(session_, flags_, lines.error());
    if (flags_.replay) {
      feed_ = std::make_unique<ReplayFeed>(loop_, *std::move(lines), activity_,
                                           flags_.speed.value_or(1));
    } else {
      feed_ = std::make_unique<LiveFeed>(loop_, *std::move(lines), activity_);
    }
    events::ControlSwitch control;
    if (flags_.control && !flags_.replay && !config_.events.control_file.empty()) {
      const Result<void> flows = control.LetFlow(config_.events.control_file);
      if (!flows) trouble_ = flows.error().message;
    }
    servers_.Begin();
    const Result<void> watched = Draw();
    loop_.Run(servers_.End());
    return End(watched);
  }

  Result<void> AskServers() {
    for (const std::string& engine : flags_.engines) {
      WEIR_CHECK(servers_.Ask(engine));
    }
    return {};
  }

 private:
  int End(const Result<void>& result) {
    return result ? kExitOk : Stop(session_, flags_, result.error());
  }

  // Until somebody quits.
  Result<void> Draw() {
    bool hung_up = false;
    const async::SignalWatch hangup(loop_, {SIGHUP}, [&](int) { hung_up = true; });
    FullScreen screen(session_.terminal);
    for (;;) {
      WEIR_CHECK(feed_->Advance(paused_));
      if (!paused_) {
        state_ = activity_.At(feed_->now());
        if (!flags_.replay) servers_.Look(state_);
        SelectAsked();
      }
      std::string typed = screen.ReadKeys();
      std::vector<TopKey> keys = typed.empty() ? keys_.Pause() : keys_.Feed(typed);
      for (const TopKey key : keys) {
        if (!Press(key)) return {};
      }
      screen.Draw(Frame());
      const bool over = session_.terminal.out_error() || hung_up;
      if (over || !loop_.Run(async::Sleep(ctx_, kScreenTick))) return {};
    }
  }

  // The agent that --agent names, once it is there.
  void SelectAsked() {
    if (asked_ || flags_.agent.empty()) return;
    const auto found = std::ranges::find(state_.agents, flags_.agent, &events::AgentActivity::id);
    if (found == state_.agents.end()) return;
    asked_ = true;
    selected_ = found->key;
  }

  // False: quit.
  bool Press(TopKey key) {
    switch (key) {
      case TopKey::kQuit:
        return false;
      case TopKey::kPause:
        paused_ = !paused_;
        break;
      case TopKey::kNext:
        Select(1);
        break;
      case TopKey::kPrevious:
        Select(-1);
        break;
      case TopKey::kAll:
        selected_.clear();
        help_ = false;
        break;
      case TopKey::kHelp:
        help_ = !help_;
        break;
    }
    return true;
  }

  void Select(std::ptrdiff_t step) {
    const auto count = static_cast<std::ptrdiff_t>(state_.agents.size());
    if (count == 0) return;
    const auto found = std::ranges::find(state_.agents, selected_, &events::AgentActivity::key);
    std::ptrdiff_t place = found - state_.agents.begin();
    if (place == count) place = step > 0 ? -1 : 0;  // none is selected
    place = (place + step + count) % count;
    selected_ = state_.agents[static_cast<std::size_t>(place)].key;
  }

  std::vector<std::string> Frame() const {
    const Terminal::Size size = session_.terminal.size();
    TopFrameOptions options{.width = size.width,
                            .height = size.height,
                            .colour = session_.terminal.out_has_colour(),
                            .unicode = SpeaksUnicode(session_.env),
                            .source = path_ == kStdin ? "stdin" : path_,
                            .note = paused_ ? "paused" : feed_->note(),
                            .selected = selected_};
    if (!trouble_.empty()) options.note = trouble_;
    return help_ ? TopHelp(options) : TopFrame(state_, options);
  }

  Session& session_;
  const TopFlags& flags_;
  const config::Config& config_;
  const std::string path_;
  async::Loop loop_;
  events::Activity activity_;
  Work work_;
  const async::Context ctx_;
  ServerWatch servers_;
  std::unique_ptr<TopFeed> feed_;
  events::ActivityState state_;
  TopKeyReader keys_;
  std::string trouble_;   // why no events come
  std::string selected_;  // the key of an agent
  bool asked_ = false;
  bool paused_ = false;
  bool help_ = false;
};

int RunTop(Session& session, const TopFlags& flags) {
  if (const Result<void> good = CheckTopFlags(flags); !good) {
    return Stop(session, flags, good.error());
  }
  const Result<config::Config> config = ConfigOf(flags, session);
  if (!config) return Stop(session, flags, config.error());
  const Result<std::string> path = FileOf(flags, *config);
  if (!path) return Stop(session, flags, path.error());
  Top top(session, flags, *config, *path);
  if (const Result<void> asked = top.AskServers(); !asked) {
    return Stop(session, flags, asked.error());
  }
  const bool once = flags.once || flags.as_json() || !session.terminal.out_has_cursor();
  return once ? top.Once() : top.Watch();
}

}  // namespace

void AddTopCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<TopFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(app, "top", "Watch engines and agents at work");
  TextFlag(command, "file", flags->file,
           "file of events, folder of a run, or - for stdin; default: events.file of "
           "the configuration");
  ListFlag(command, "-e,--engine", flags->engines,
           "an engine or address whose server is asked how busy it is; may be repeated");
  TextFlag(command, "--agent", flags->agent, "NODE/ROW: this agent's events alone");
  SwitchFlag(command, "--once", flags->once, "print one moment and end, also on a terminal");
  TextFlag(command, "-o,--output", flags->output, "text, or json: one moment")
      .OneOf({"text", "json"});
  NumberFlag(command, "--stale", flags->stale,
             "seconds of silence after which work does not count as such; default: 60");
  SwitchFlag(command, "--control,!--no-control", flags->control,
             "take an `off` out of events.control_file meanwhile (default)");
  SwitchFlag(command, "--replay", flags->replay, "play the file as it was");
  NumberFlag(command, "--speed", flags->speed, "of the replay: 10 is ten times as fast");
  SetRun(command, session, [flags, &session] { return RunTop(session, *flags); });
}

}  // namespace weir::cli
