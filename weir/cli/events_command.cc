#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/event_lines.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/print.h"
#include "weir/cli/top_snapshot.h"
#include "weir/cli/work.h"
#include "weir/events/activity.h"
#include "weir/events/story.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr auto kSpansHelp = "show the begin and end of steps (span.*), too";
constexpr auto kAgentHelp = "NODE/ROW: the events of this agent alone";
constexpr auto kLookEvery = std::chrono::milliseconds(200);

struct EventsFlags {
  std::string file{kStdin};
  std::string output = "text";
  std::optional<std::uint64_t> lines;  // tail
  bool follow = false;
  std::optional<double> speed;  // replay
  bool spans = false;           // tail, replay: the lines of spans, too
  std::string agent;            // tail, replay: only what happened in it
  std::string at;               // replay: one moment of it all

  bool as_json() const { return output == "json"; }
};

int Stop(Session& session, const EventsFlags& flags, const Error& error) {
  if (flags.as_json()) session.terminal.Out(ErrorJson(error));
  return Refuse(session, error);
}

// Most lines of a file are spans, which are for those who measure.
bool Wants(const EventsFlags& flags, std::string_view line) {
  if (!flags.agent.empty()) {
    if (!line.contains("\"agent\"")) return false;
    const Result<json::Value> event = json::Read(line);
    if (!event || event->Find("agent").StringOr("") != flags.agent) return false;
  }
  if (flags.spans || !line.contains("\"span.")) return true;
  const Result<json::Value> event = json::Read(line);
  return !event || !event->Find("event").StringOr("").starts_with("span.");
}

// A line as it is shown: as it came, or its time of day and its sentence.
std::string Shown(const EventsFlags& flags, std::string_view line) {
  if (flags.as_json()) return StrCat(line, "\n");
  const Result<json::Value> event = json::Read(line);
  if (!event) return "not an event: its line is no JSON\n";
  const std::string_view time = event->Find("ts").StringOr("");
  const bool has_time = events::TimeOf(*event).has_value();
  return StrCat(has_time ? time.substr(11, 12) : std::string_view("-"), "  ", events::Tell(*event),
                "\n");
}

int TailEvents(const EventsFlags& flags, Session& session) {
  Result<EventLines> source = EventLines::Open(session, flags.file);
  if (!source) return Stop(session, flags, source.error());
  const std::size_t most = flags.lines.value_or(10);
  std::deque<std::string> last;
  const auto keep = [&](std::string_view line) {
    if (!Wants(flags, line)) return;
    last.emplace_back(line);
    if (last.size() > most) last.pop_front();
  };
  if (const auto read = source->ReadAll(keep); !read) return Stop(session, flags, read.error());
  if (!flags.follow) source->TakeRest(keep);
  for (const std::string& line : last) session.terminal.Out(Shown(flags, line));
  if (!flags.follow && last.empty()) {
    session.terminal.Note(flags.agent.empty()
                              ? StrCat("there are no events in ", flags.file)
                              : StrCat("there are no events of ", flags.agent, " in ", flags.file,
                                       "; agents are named NODE/ROW, as weir top shows them"));
  }
  if (!flags.follow) return kExitOk;
  const auto show = [&](std::string_view line) {
    if (Wants(flags, line)) session.terminal.Out(Shown(flags, line));
  };
  async::Loop loop;
  Work work(loop, session.terminal);
  const async::Context ctx = work.NewContext({});  // Ctrl-C ends it
  while (!session.terminal.out_error() && loop.Run(async::Sleep(ctx, kLookEvery))) {
    if (const auto read = source->ReadAll(show); !read) return Stop(session, flags, read.error());
    if (const auto read = source->FollowRotation(show); !read) {
      return Stop(session, flags, read.error());
    }
  }
  return kExitOk;
}

int CountEvents(const EventsFlags& flags, Session& session) {
  Result<EventLines> source = EventLines::Open(session, flags.file);
  if (!source) return Stop(session, flags, source.error());
  events::Statistics statistics;
  const auto add = [&](std::string_view line) {
    const Result<json::Value> event = json::Read(line);
    event ? statistics.Add(*event) : statistics.AddInvalid();
  };
  if (const auto read = source->ReadAll(add); !read) return Stop(session, flags, read.error());
  source->TakeRest(add);
  std::string text;
  if (flags.as_json()) {
    json::Writer out(text);
    statistics.Write(out);
    text += '\n';
  } else {
    text = statistics.Text();
  }
  session.terminal.Out(text);
  return kExitOk;
}

// What went on at one moment, made of everything up to it.
int ShowMoment(const EventsFlags& flags, Session& session) {
  Result<EventLines> source = EventLines::Open(session, flags.file);
  if (!source) return Stop(session, flags, source.error());
  events::Activity activity;
  Result<events::Moment> at = MomentOf(flags.at, events::Moment());
  bool first = true;
  const auto add = [&](std::string_view line) {
    const Result<json::Value> event = json::Read(line);
    if (!event) return activity.AddInvalid();
    const std::optional<std::int64_t> time = events::TimeOf(*event);
    if (time && std::exchange(first, false)) at = MomentOf(flags.at, events::Moment(*time));
    if (!time || (at && events::Moment(*time) <= *at)) activity.Add(*event);
  };
  if (const auto read = source->ReadAll(add); !read) return Stop(session, flags, read.error());
  source->TakeRest(add);
  if (!at) return Stop(session, flags, at.error());
  PrintSnapshot(session, activity.At(*at),
                {.as_json = flags.as_json(), .agent = flags.agent, .source = flags.file});
  return kExitOk;
}

int ReplayEvents(const EventsFlags& flags, Session& session) {
  if (!flags.at.empty()) return ShowMoment(flags, session);
  if (flags.speed.value_or(1) <= 0) {
    return Stop(session, flags,
                Error{.code = Code::kConfigError,
                      .message = "--speed must be above 0; without it nothing is waited for"});
  }
  Result<EventLines> source = EventLines::Open(session, flags.file);
  if (!source) return Stop(session, flags, source.error());
  async::Loop loop;
  Work work(loop, session.terminal);
  const async::Context ctx = work.NewContext({});
  std::optional<std::int64_t> first;
  std::int64_t before = 0;
  const auto show = [&](std::string_view line) {
    if (!Wants(flags, line)) return;
    const Result<json::Value> event = json::Read(line);
    const auto time = event ? events::TimeOf(*event) : std::nullopt;
    if (time && !first) first = before = *time;
    if (time && flags.speed && *time > before) {
      const std::chrono::duration<double, std::milli> wait(static_cast<double>(*time - before) /
                                                           *flags.speed);
      const auto rest = std::chrono::duration_cast<Duration>(wait);
      if (!loop.Run(async::Sleep(ctx, rest))) return;
    }
    before = time.value_or(before);
    if (flags.as_json()) return session.terminal.Out(StrCat(line, "\n"));
    const std::int64_t since = before - first.value_or(before);
    std::string shown =
        StrCat("+", since / 1000, ".", since % 1000 / 100, since % 100 / 10, since % 10, "s");
    shown.resize(std::max<std::size_t>(shown.size(), 10), ' ');
    session.terminal.Out(StrCat(
        shown, "  ", event ? events::Tell(*event) : "not an event: its line is no JSON", "\n"));
  };
  if (const auto read = source->ReadAll(show); !read) return Stop(session, flags, read.error());
  source->TakeRest(show);
  return kExitOk;
}

// A subcommand with the flags that all have.
EventsFlags& AddReader(CLI::App& parent, Session& session, const char* name, const char* help,
                       int (*run)(const EventsFlags&, Session&), CLI::App*& command) {
  auto flags = std::make_shared<EventsFlags>();  // shared by what the command keeps
  command = &AddCommand(parent, name, help);
  TextFlag(*command, "file", flags->file,
           "file of events, or the folder of a run; without one, or with -, stdin");
  TextFlag(*command, "-o,--output", flags->output, "text or json").OneOf({"text", "json"});
  SetRun(*command, session, [flags, run, &session] {
    flags->file = EventFileOf(flags->file);
    return run(*flags, session);
  });
  return *flags;
}

}  // namespace

void AddEventsCommand(CLI::App& app, Session& session) {
  CLI::App& events = AddCommand(app, "events", "Read files of events");
  RequireCommand(events);
  CLI::App* command = nullptr;
  EventsFlags& tail =
      AddReader(events, session, "tail", "Show the last events", TailEvents, command);
  NumberFlag(*command, "-n,--lines", tail.lines, "how many (default 10)");
  TextFlag(*command, "--agent", tail.agent, kAgentHelp);
  SwitchFlag(*command, "-f,--follow", tail.follow, "go on with those that come");
  SwitchFlag(*command, "--spans", tail.spans, kSpansHelp);
  AddReader(events, session, "stats", "Count events, calls, times and tokens", CountEvents,
            command);
  EventsFlags& replay = AddReader(events, session, "replay", "Show all events and when they came",
                                  ReplayEvents, command);
  TextFlag(*command, "--at", replay.at,
           "what went on at that moment, as `weir top` shows it: +SECONDS since the "
           "first event, or a time in UTC");
  TextFlag(*command, "--agent", replay.agent, kAgentHelp);
  NumberFlag(*command, "--speed", replay.speed,
             "wait between them: 1 as long as it took, 10 a tenth (default: no waiting)");
  SwitchFlag(*command, "--spans", replay.spans, kSpansHelp);
}

}  // namespace weir::cli
