#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/print.h"
#include "weir/cli/work.h"
#include "weir/events/story.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr std::size_t kMostLineBytes = 64 << 20;  // raw events hold whole answers
constexpr std::size_t kChunk = 64 * 1024;
constexpr auto kSpansHelp = "show the begin and end of steps (span.*), too";
constexpr auto kLookEvery = std::chrono::milliseconds(200);

struct EventsFlags {
  std::string file{kStdin};
  std::string output = "text";
  std::optional<std::uint64_t> lines;  // tail
  bool follow = false;
  std::optional<double> speed;  // replay
  bool spans = false;           // tail, replay: the lines of spans, too

  bool as_json() const { return output == "json"; }
};

using TakeLine = std::function<void(std::string_view line)>;

// A file that others append to, line by line.
class LineSource {
 public:
  static Result<LineSource> Open(const Session& session, const std::string& path) {
    if (path != kStdin) {
      WEIR_TRY(const int fd, OpenInput(path));
      return LineSource(fd, path);
    }
    if (session.terminal.in_is_terminal()) {
      return Fail(Code::kConfigError, "no events to read: name a file of them, or pipe them in");
    }
    return LineSource(STDIN_FILENO, path);
  }

  LineSource(LineSource&& other) noexcept
      : fd_(std::exchange(other.fd_, STDIN_FILENO)),
        path_(std::move(other.path_)),
        rest_(std::move(other.rest_)) {}
  LineSource& operator=(LineSource&&) = delete;
  ~LineSource() {
    if (fd_ != STDIN_FILENO) ::close(fd_);
  }

  // Hands over every line up to the end of what is there now. A last line without its line break
  // is kept back: it may be half written.
  Result<void> ReadAll(const TakeLine& take) {
    for (;;) {
      const std::size_t before = rest_.size();
      rest_.resize(before + kChunk);
      const ssize_t got = ::read(fd_, rest_.data() + before, kChunk);
      rest_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        return Fail(Code::kIoError, StrCat("cannot read the events in ", path_),
                    std::strerror(errno));
      }
      if (got == 0) return {};
      TakeLines(before, take);
      if (rest_.size() > kMostLineBytes) rest_.clear();
    }
  }

  // What stands after the last line break.
  void TakeRest(const TakeLine& take) {
    if (!rest_.empty()) take(rest_);
    rest_.clear();
  }

  // Goes over to the file that took the place of this one, or to its new beginning.
  void FollowRotation() {
    struct stat ours{};
    struct stat there{};
    if (fd_ == STDIN_FILENO || ::fstat(fd_, &ours) != 0 || ::stat(path_.c_str(), &there) != 0)
      return;
    if (ours.st_ino == there.st_ino && ours.st_dev == there.st_dev) {
      if (there.st_size < ::lseek(fd_, 0, SEEK_CUR)) ::lseek(fd_, 0, SEEK_SET);
      return;
    }
    const Result<int> fd = OpenInput(path_);
    if (!fd) return;
    ::close(fd_);
    fd_ = *fd;
    rest_.clear();
  }

 private:
  LineSource(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  void TakeLines(std::size_t searched, const TakeLine& take) {
    std::size_t begin = 0;
    for (std::size_t end = rest_.find('\n', searched); end != rest_.npos;
         end = rest_.find('\n', begin)) {
      if (end > begin) take(std::string_view(rest_).substr(begin, end - begin));
      begin = end + 1;
    }
    rest_.erase(0, begin);
  }

  int fd_;
  std::string path_;
  std::string rest_;
};

int Stop(Session& session, const EventsFlags& flags, const Error& error) {
  if (flags.as_json()) session.terminal.Out(ErrorJson(error));
  session.terminal.Problem(error);
  return ExitCode(error);
}

int Finish(Session& session) {
  if (!session.terminal.out_error()) return kExitOk;
  session.terminal.Problem(*session.terminal.out_error());
  return ExitCode(*session.terminal.out_error());
}

// Most lines of a file are spans, which are for those who measure.
bool Wants(const EventsFlags& flags, std::string_view line) {
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
  Result<LineSource> source = LineSource::Open(session, flags.file);
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
  if (!flags.follow) return Finish(session);
  const auto show = [&](std::string_view line) {
    if (Wants(flags, line)) session.terminal.Out(Shown(flags, line));
  };
  async::Loop loop;
  Work work(loop, session.terminal);
  const async::Context ctx = work.NewContext({});  // Ctrl-C ends it
  while (!session.terminal.out_error() && loop.Run(async::Sleep(ctx, kLookEvery))) {
    if (const auto read = source->ReadAll(show); !read) return Stop(session, flags, read.error());
    source->FollowRotation();
  }
  return Finish(session);
}

int CountEvents(const EventsFlags& flags, Session& session) {
  Result<LineSource> source = LineSource::Open(session, flags.file);
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
  return Finish(session);
}

int ReplayEvents(const EventsFlags& flags, Session& session) {
  if (flags.speed.value_or(1) <= 0) {
    return Stop(session, flags,
                Error{.code = Code::kConfigError,
                      .message = "--speed must be above 0; without it nothing is waited for"});
  }
  Result<LineSource> source = LineSource::Open(session, flags.file);
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
  return Finish(session);
}

// A subcommand with the flags that all have.
EventsFlags& AddReader(CLI::App& parent, Session& session, const char* name, const char* help,
                       int (*run)(const EventsFlags&, Session&), CLI::App*& command) {
  auto flags = std::make_shared<EventsFlags>();  // shared by the callbacks that CLI11 keeps
  command = parent.add_subcommand(name, help);
  command->add_option("file", flags->file, "file of events; without one, or with -, stdin");
  OneOf(*command->add_option("-o,--output", flags->output, "text or json"), {"text", "json"});
  command->callback([flags, run, &session] {
    session.run = [flags, run, &session] { return run(*flags, session); };
  });
  return *flags;
}

}  // namespace

void AddEventsCommand(CLI::App& app, Session& session) {
  CLI::App* events = app.add_subcommand("events", "Read files of events");
  events->require_subcommand(1);
  CLI::App* command = nullptr;
  EventsFlags& tail =
      AddReader(*events, session, "tail", "Show the last events", TailEvents, command);
  NumberFlag(*command, "-n,--lines", tail.lines, "how many (default 10)");
  command->add_flag("-f,--follow", tail.follow, "go on with those that come");
  command->add_flag("--spans", tail.spans, kSpansHelp);
  AddReader(*events, session, "stats", "Count events, calls, times and tokens", CountEvents,
            command);
  EventsFlags& replay = AddReader(*events, session, "replay", "Show all events and when they came",
                                  ReplayEvents, command);
  NumberFlag(*command, "--speed", replay.speed,
             "wait between them: 1 as long as it took, 10 a tenth (default: no waiting)");
  command->add_flag("--spans", replay.spans, kSpansHelp);
}

}  // namespace weir::cli
