#include "weir/cli/top_frame.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/cli/frame_line.h"
#include "weir/cli/frame_table.h"
#include "weir/cli/run_frame.h"
#include "weir/flow/figures.h"

namespace weir::cli {
namespace {

using events::ActivityState;
using events::AgentActivity;
using events::AgentState;
using events::EngineActivity;
using events::Moment;
using events::RecentEvent;
using events::StreamActivity;
using flow::Compact;
using flow::Grouped;

constexpr int kLabelled = 60;       // columns from which panels have their names before them
constexpr int kLabel = 12;          // columns of such a name
constexpr std::size_t kRoomy = 20;  // lines from which panels stand apart
constexpr std::size_t kLow = 12;    // lines below which each panel has but a line or two

std::string Whole(std::int64_t count) {
  return Grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
}

std::string Some(std::int64_t count, std::string_view one, std::string_view many) {
  return StrCat(Whole(count), " ", count == 1 ? one : many);
}

std::string NotZero(std::int64_t count) { return count == 0 ? "" : Whole(count); }

// "12 s", "3 min", "2 h", "5 d"
std::string Age(Moment age) {
  const std::int64_t seconds = age.count() / 1000;
  if (seconds < 60) return StrCat(seconds, " s");
  if (seconds < 60 * 60) return StrCat(seconds / 60, " min");
  if (seconds < 48 * 60 * 60) return StrCat(seconds / (60 * 60), " h");
  return StrCat(seconds / (24 * 60 * 60), " d");
}

// Of day.
std::string TimeOfDay(Moment time) {
  return FormatWallTime(std::chrono::nanoseconds(time).count()).substr(11, 8);
}

std::string PercentOf(std::optional<double> part) {
  return part ? flow::Percent(std::clamp(*part, 0.0, 1.0)) : "";
}

std::string CountOf(std::optional<double> count) {
  return count ? Whole(std::llround(std::min(*count, 1e15))) : "";
}

// The end of a text that fits, with a sign before it that says so.
std::string EndOf(std::string_view text, int width, bool unicode) {
  if (TextWidth(text) <= width) return std::string(text);
  int wide = TextWidth(text) + 1;  // with the sign
  while (!text.empty() && wide > width) {
    const Utf8Character next = DecodeCharacter(text);
    wide -= CharacterWidth(next.code_point);
    text.remove_prefix(next.length);
  }
  return StrCat(unicode ? "…" : "~", text);
}

std::string_view ColourOf(AgentState state) {
  switch (state) {
    case AgentState::kBusy:
      return kGreen;
    case AgentState::kStale:
      return kYellow;
    case AgentState::kFailed:
      return kRed;
    case AgentState::kIdle:
    case AgentState::kDone:
      return kDim;
  }
  std::unreachable();
}

class Frame {
 public:
  Frame(const ActivityState& state, const TopFrameOptions& options)
      : state_(state),
        options_(options),
        width_(std::max(options.width - 1, 1)),
        most_(static_cast<std::size_t>(std::max(options.height - 1, 1))) {}

  std::vector<std::string> Lines() {
    AddTitle();
    AddThroughput();
    const std::size_t footer = options_.keys && most_ >= 8 ? 1 : 0;
    const std::size_t gaps = most_ >= kRoomy ? 3 : 0;
    const std::size_t used = lines_.size() + footer + gaps;
    SharePlaces(most_ > used ? most_ - used : 0);
    AddEngines(gaps > 0);
    AddAgents(gaps > 0);
    AddRecent(gaps > 0);
    lines_.resize(std::min(lines_.size(), most_ - footer));
    if (footer > 0) {
      lines_.resize(most_ - footer);
      AddKeys();
    }
    return std::move(lines_);
  }

 private:
  std::string_view Dot() const { return options_.unicode ? " · " : ", "; }
  FrameLine NewLine() const { return FrameLine(options_.colour); }
  void Push(FrameLine& line) { lines_.push_back(line.Take()); }
  void Gap(bool gap) {
    if (gap) lines_.emplace_back();
  }

  // As many parts as there is room for.
  std::string Joined(std::span<const std::string> parts, int width) const {
    std::string joined;
    for (const std::string& part : parts) {
      const std::string longer = joined.empty() ? part : StrCat(joined, Dot(), part);
      if (!joined.empty() && TextWidth(longer) > width) break;
      joined = longer;
    }
    return CutTo(joined, width, options_.unicode);
  }

  const AgentActivity* Selected() const {
    const auto found = std::ranges::find(state_.agents, options_.selected, &AgentActivity::key);
    return options_.selected.empty() || found == state_.agents.end() ? nullptr : &*found;
  }

  void AddTitle() {
    std::vector<std::string> parts = {"weir top", StrCat(TimeOfDay(state_.now), " UTC")};
    if (!options_.note.empty()) parts.push_back(OneLine(options_.note));
    if (const AgentActivity* agent = Selected()) parts.push_back(OneLine(agent->id));
    if (!options_.source.empty()) parts.push_back(OneLine(options_.source));
    FrameLine line = NewLine();
    line.Add(Joined(parts, width_), kBold);
    Push(line);
  }

  // " (1 stale, 2 failed)"
  static std::string Trouble(std::int64_t stale, std::int64_t failed) {
    std::string trouble;
    if (stale > 0) trouble = StrCat(Whole(stale), " stale");
    if (failed > 0) StrAppend(trouble, trouble.empty() ? "" : ", ", Whole(failed), " failed");
    return trouble.empty() ? "" : StrCat(" (", trouble, ")");
  }

  // The events of a run without agents are of its steps, not of single requests.
  bool TellsRequests() const { return state_.steps == 0 || !state_.engines.empty(); }

  std::vector<std::string> WorkParts() const {
    std::vector<std::string> parts;
    if (state_.agents_known > 0) {
      parts.push_back(StrCat(Whole(state_.agents_busy), " of ",
                             Some(state_.agents_known, "agent", "agents"), " busy",
                             Trouble(state_.agents_stale, state_.agents_failed)));
    }
    if (TellsRequests()) {
      parts.push_back(StrCat(Whole(state_.in_flight), " in flight", Trouble(state_.stale, 0)));
    }
    if (state_.steps > 0) {
      parts.push_back(StrCat(Some(state_.steps, "step", "steps"), Trouble(0, state_.steps_failed)));
    }
    return parts;
  }

  // The same in a few columns.
  std::vector<std::string> ShortWorkParts() const {
    std::vector<std::string> parts;
    if (state_.agents_known > 0) {
      parts.push_back(StrCat(Whole(state_.agents_busy), "/", Whole(state_.agents_known), " busy"));
    }
    if (TellsRequests()) parts.push_back(StrCat(Whole(state_.in_flight), " in flight"));
    const std::int64_t stale = state_.stale + state_.agents_stale;
    if (stale > 0) parts.push_back(StrCat(Whole(stale), " stale"));
    if (state_.agents_failed > 0) parts.push_back(StrCat(Whole(state_.agents_failed), " failed"));
    return parts;
  }

  std::vector<std::string> RateParts() const {
    return {StrCat(flow::Rate(state_.requests_per_second), " req/s"),
            StrCat(flow::Rate(state_.prompt_per_second), " prompt + ",
                   flow::Rate(state_.completion_per_second), " answer tok/s"),
            Some(state_.errors, "error", "errors"), Some(state_.retries, "retry", "retries")};
  }
  std::vector<std::string> ShortRateParts() const {
    return {StrCat(flow::Rate(state_.requests_per_second), " req/s"),
            StrCat(flow::Rate(state_.completion_per_second), " tok/s"),
            Some(state_.errors, "error", "errors"), Some(state_.retries, "retry", "retries")};
  }

  void AddThroughput() {
    const bool stale = state_.stale > 0 || state_.agents_stale > 0;
    const bool labelled = width_ >= kLabelled;
    const int room = labelled ? width_ - kLabel : width_;
    FrameLine work = NewLine();
    if (labelled) {
      work.Add("Throughput", kBold);
      work.PadTo(kLabel);
    }
    work.Add(Joined(labelled ? WorkParts() : ShortWorkParts(), room),
             stale ? kYellow : std::string_view());
    Push(work);
    FrameLine rate = NewLine();
    if (labelled) rate.Blanks(kLabel);
    rate.Add(Joined(labelled ? RateParts() : ShortRateParts(), room),
             state_.errors > 0 ? kYellow : std::string_view());
    Push(rate);
  }

  // How many rows each table has, its head aside.
  void SharePlaces(std::size_t places) {
    const std::size_t engines = state_.engines.size();
    const std::size_t agents = state_.agents.size();
    const std::size_t heads = most_ < kLow ? 2 : 3;
    places -= std::min(places, heads);
    // Of what happened last a good part is kept, where so much happened.
    const std::size_t recent = std::min(state_.recent.size() + state_.streams.size(),
                                        std::max<std::size_t>(places * 2 / 5, 1));
    engine_rows_ = std::min(engines, std::max<std::size_t>(places / 5, 1));
    const std::size_t others = engine_rows_ + recent;
    agent_rows_ = std::min(agents, places > others ? places - others : 0);
    recent_rows_ = places - std::min(places, engine_rows_ + agent_rows_);
  }

  void AddNone(std::string_view name, std::string_view none) {
    FrameLine line = NewLine();
    line.Add(CutTo(name, width_, options_.unicode), kBold);
    line.PadTo(kLabel);
    line.Add(CutTo(none, width_ - line.width(), options_.unicode), kDim);
    Push(line);
  }

  void AddTable(const FrameTable& table) {
    for (std::string& line : table.Lines(width_, options_.colour, options_.unicode)) {
      lines_.push_back(std::move(line));
    }
  }

  void AddEngines(bool gap) {
    Gap(gap);
    if (!TellsRequests()) return AddNone("Engines", "not told: these events are of steps alone");
    if (state_.engines.empty()) return AddNone("Engines", "none was asked yet");
    FrameTable table({{.head = "Engines", .words = true, .least = 10},
                      {.head = "server", .drop = 2, .words = true, .least = 8},
                      {.head = "flight"},
                      {.head = "stale", .drop = 1},
                      {.head = "req/s", .drop = 3},
                      {.head = "tok/s", .drop = 1},
                      {.head = "p50", .drop = 6},
                      {.head = "errors", .drop = 1},
                      {.head = "run", .drop = 4},
                      {.head = "wait", .drop = 4},
                      {.head = "KV", .drop = 5},
                      {.head = "hits", .drop = 7}});
    for (std::size_t i = 0; i < engine_rows_; ++i) table.Add(RowOf(state_.engines[i]));
    AddTable(table);
  }

  static std::vector<TableCell> RowOf(const EngineActivity& engine) {
    const events::ServerFigures server = engine.figures.value_or(events::ServerFigures());
    const std::string p50 = engine.p50_millis ? flow::Latency(std::chrono::duration_cast<Duration>(
                                                    std::chrono::duration<double, std::milli>(
                                                        std::clamp(*engine.p50_millis, 0.0, 1e12))))
                                              : "";
    return {{OneLine(engine.name)},
            {engine.server == "ready" ? "" : engine.server, kCyan},
            {Whole(engine.in_flight), engine.in_flight > 0 ? kCyan : kDim},
            {NotZero(engine.stale), kYellow},
            {Compact(engine.requests_per_second)},
            {Compact(engine.tokens_per_second)},
            {p50},
            {NotZero(engine.errors), kRed},
            {CountOf(server.running)},
            {CountOf(server.waiting)},
            {PercentOf(server.kv_use)},
            {PercentOf(server.hit_rate)}};
  }

  // Such that the selected one is among them.
  std::size_t FirstAgent() const {
    const AgentActivity* selected = Selected();
    if (selected == nullptr) return 0;
    const auto place = static_cast<std::size_t>(selected - state_.agents.data());
    const std::size_t half = agent_rows_ / 2;
    return std::min(place - std::min(place, half), state_.agents.size() - agent_rows_);
  }

  void AddAgents(bool gap) {
    Gap(gap);
    if (state_.agents.empty()) return AddNone("Agents", "none has begun yet");
    FrameTable table(
        {{.head = "Agents", .words = true, .least = 10},
         {.head = "state", .words = true},
         {.head = "turn", .drop = 1},
         {.head = "flight", .drop = 5},
         {.head = "tokens", .drop = 4},
         {.head = "age", .drop = 2},
         {.head = "last event", .drop = 3, .words = true, .fills = true, .least = 12}});
    const std::size_t first = FirstAgent();
    for (std::size_t i = first; i < first + agent_rows_; ++i) table.Add(RowOf(state_.agents[i]));
    AddTable(table);
  }

  std::vector<TableCell> RowOf(const AgentActivity& agent) const {
    const bool selected = &agent == Selected();
    const std::string_view sign = options_.unicode ? "▸ " : "> ";
    return {{StrCat(selected ? sign : "", OneLine(agent.id)), selected ? kBold : ""},
            {std::string(Name(agent.state)), ColourOf(agent.state)},
            {agent.max_turns > 0 ? StrCat(agent.turn, "/", agent.max_turns) : StrCat(agent.turn)},
            {NotZero(agent.in_flight), kCyan},
            {Compact(static_cast<double>(agent.prompt_tokens + agent.completion_tokens))},
            {Age(agent.age), agent.state == AgentState::kStale ? kYellow : std::string_view()},
            {OneLine(agent.last_event)}};
  }

  bool Shows(const std::string& agent) const {
    return Selected() == nullptr || agent == options_.selected;
  }

  void AddRecent(bool gap) {
    std::vector<const StreamActivity*> streams;
    std::vector<const RecentEvent*> recent;
    for (const StreamActivity& stream : state_.streams) {
      if (Shows(stream.agent)) streams.push_back(&stream);
    }
    for (const RecentEvent& event : state_.recent) {
      if (Shows(event.agent)) recent.push_back(&event);
    }
    Gap(gap);
    if (most_ >= kLow) {
      if (recent.empty() && streams.empty()) return AddNone("Recent", "nothing happened yet");
      FrameLine head = NewLine();
      const AgentActivity* agent = Selected();
      const std::string name =
          agent == nullptr ? "Recent events" : StrCat("Events of ", OneLine(agent->id));
      head.Add(CutTo(name, width_, options_.unicode), kBold);
      Push(head);
    }
    const std::size_t stream_rows =
        std::min(streams.size() * RowsOfStream(), (recent_rows_ + 1) / 2);
    const std::size_t event_rows = std::min(recent.size(), recent_rows_ - stream_rows);
    for (const RecentEvent* event : std::span(recent).last(event_rows)) AddEvent(*event);
    const std::size_t shown =
        std::min(streams.size(), std::max<std::size_t>(stream_rows / RowsOfStream(), 1));
    if (stream_rows == 0) return;
    for (const StreamActivity* stream : std::span(streams).last(shown)) {
      AddStream(*stream, std::min(RowsOfStream(), stream_rows));
    }
  }

  // The stream of a selected agent is what one wants to read.
  std::size_t RowsOfStream() const { return Selected() == nullptr ? 1 : 4; }

  int AddTime(FrameLine& line, Moment time) const {
    if (width_ < kLabelled) return 0;
    line.Add(TimeOfDay(time), kDim);
    line.PadTo(10);
    return 10;
  }

  void AddEvent(const RecentEvent& event) {
    FrameLine line = NewLine();
    const int room = width_ - AddTime(line, event.time);
    line.Add(CutTo(OneLine(event.text), room, options_.unicode),
             event.bad ? kRed : std::string_view());
    Push(line);
  }

  void AddStream(const StreamActivity& stream, std::size_t rows) {
    FrameLine first = NewLine();
    const int indent = AddTime(first, stream.time);
    const std::string head = StrCat(options_.unicode ? "▍" : "|", OneLine(stream.who),
                                    stream.stale ? " (stale): " : ": ");
    const std::string shown_head = CutTo(head, width_ - indent, options_.unicode);
    first.Add(shown_head, stream.stale ? kYellow : kCyan);
    const int first_room = width_ - indent - TextWidth(shown_head);
    const int more = static_cast<int>(rows - 1) * (width_ - indent);
    std::string text = EndOf(OneLine(stream.text), first_room + more, options_.unicode);
    std::string_view rest = text;
    const auto take = [&](int room) {
      std::size_t end = 0;
      int wide = 0;
      while (end < rest.size()) {
        const Utf8Character next = DecodeCharacter(rest.substr(end));
        wide += CharacterWidth(next.code_point);
        if (wide > room) break;
        end += next.length;
      }
      const std::string_view part = rest.substr(0, end);
      rest.remove_prefix(end);
      return part;
    };
    first.Add(take(first_room));
    Push(first);
    for (std::size_t i = 1; i < rows && !rest.empty(); ++i) {
      FrameLine line = NewLine();
      line.Blanks(indent);
      line.Add(take(width_ - indent));
      Push(line);
    }
  }

  void AddKeys() {
    const std::vector<std::string> keys = {"q quit", "? help", "p pause", "Tab next agent",
                                           "Esc all agents"};
    FrameLine line = NewLine();
    line.Add(Joined(keys, width_), kDim);
    Push(line);
  }

  const ActivityState& state_;
  const TopFrameOptions& options_;
  const int width_;
  const std::size_t most_;
  std::size_t engine_rows_ = 0;
  std::size_t agent_rows_ = 0;
  std::size_t recent_rows_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> TopFrame(const ActivityState& state, const TopFrameOptions& options) {
  return Frame(state, options).Lines();
}

std::vector<std::string> TopHelp(const TopFrameOptions& options) {
  constexpr std::pair<std::string_view, std::string_view> kHelp[] = {
      {"q, Ctrl-C", "quit"},
      {"p, Space", "pause: the screen stands still, events go on"},
      {"Tab, Down", "the next agent: its events and its answer alone"},
      {"Up", "the agent before"},
      {"Esc, a", "all agents again"},
      {"?, h", "this help, and back"},
      {"", ""},
      {"flight", "requests that wait for their answer or its end"},
      {"tok/s", "tokens of answers, over the last ten seconds"},
      {"p50", "half of the last hundred answers took no longer"},
      {"run, wait", "requests in the server, as it says itself"},
      {"KV, hits", "its cache: how full, and how much was found there"},
      {"stale", "nothing was heard of it for long"}};
  std::vector<std::string> lines;
  lines.reserve(std::size(kHelp) + 1);
  FrameLine title(options.colour);
  title.Add(CutTo("weir top: keys and words", options.width - 1, options.unicode), kBold);
  lines.push_back(title.Take());
  for (const auto& [word, meaning] : kHelp) {
    FrameLine line(options.colour);
    line.Add(CutTo(word, options.width - 1, options.unicode));
    line.PadTo(kLabel);
    line.Add(CutTo(meaning, options.width - 1 - line.width(), options.unicode), kDim);
    lines.push_back(line.Take());
  }
  const auto most = static_cast<std::size_t>(std::max(options.height - 1, 1));
  lines.resize(std::min(lines.size(), most));
  return lines;
}

}  // namespace weir::cli
