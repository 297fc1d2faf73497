#include "weir/cli/top_snapshot.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/cli/input.h"
#include "weir/cli/run_view.h"
#include "weir/cli/top_frame.h"
#include "weir/events/story.h"
#include "weir/json/builder.h"

namespace weir::cli {
namespace {

using events::Moment;

constexpr Moment kDay = std::chrono::hours(24);
constexpr double kMostSeconds = 1e9;

int NumberOf(const Env& env, const char* name, int otherwise) {
  const std::optional<std::string> text = env.Get(name);
  const std::optional<std::int64_t> number = text ? ParseInt(*text) : std::nullopt;
  return number && *number > 0 && *number < 10'000 ? static_cast<int>(*number) : otherwise;
}

// Of a time as events have it.
std::optional<Moment> ParseStamp(std::string_view text) {
  json::Builder event;
  event.BeginObject();
  event.Key("ts");
  event.String(text);
  event.EndObject();
  const json::Value value = std::move(event).Finish();
  const std::optional<std::int64_t> time = events::TimeOf(value);
  if (!time) return std::nullopt;
  return Moment(*time);
}

// "23:59:59", with or without milliseconds, as "23:59:59.000".
std::string WithMillis(std::string_view time) {
  constexpr std::size_t kSeconds = 8;
  constexpr std::size_t kAll = 12;
  if (time.size() == kSeconds) return StrCat(time, ".000");
  std::string padded(time);
  const bool short_of = time.size() > kSeconds + 1 && time.size() < kAll;
  if (short_of && time[kSeconds] == '.') padded.resize(kAll, '0');
  return padded;
}

}  // namespace

void KeepAgent(events::ActivityState& state, std::string_view agent) {
  std::erase_if(state.agents, [&](const auto& its) { return its.id != agent; });
  const auto belongs = [&](const auto& item) {
    return !item.agent.empty() &&
           std::ranges::find(state.agents, item.agent, &events::AgentActivity::key) !=
               state.agents.end();
  };
  std::erase_if(state.streams, [&](const auto& stream) { return !belongs(stream); });
  std::erase_if(state.recent, [&](const auto& event) { return !belongs(event); });
}

void PrintSnapshot(Session& session, events::ActivityState state, const SnapshotForm& form) {
  if (!form.agent.empty()) KeepAgent(state, form.agent);
  std::string text;
  if (form.as_json) {
    json::Writer out(text);
    WriteActivity(out, state);
    text += '\n';
    return session.terminal.Out(text);
  }
  const Terminal::Size size = session.terminal.size();
  const bool terminal = session.terminal.out_is_terminal();
  TopFrameOptions options{
      .width = terminal ? size.width : NumberOf(session.env, "COLUMNS", size.width),
      .height = terminal ? size.height : NumberOf(session.env, "LINES", size.height),
      .colour = session.terminal.out_has_colour(),
      .unicode = SpeaksUnicode(session.env),
      .source = form.source == kStdin ? "stdin" : form.source,
      .keys = false};
  if (!form.agent.empty() && !state.agents.empty()) options.selected = state.agents.front().key;
  for (const std::string& line : TopFrame(state, options)) StrAppend(text, line, "\n");
  session.terminal.Out(text);
}

Result<Moment> MomentOf(std::string_view text, Moment first) {
  if (text.starts_with('+')) {
    const std::optional<double> seconds = ParseDouble(text.substr(1));
    if (seconds && *seconds >= 0 && *seconds <= kMostSeconds) {
      return first + Moment(std::llround(*seconds * 1000));
    }
  }
  const std::string_view plain = text.ends_with('Z') ? text.substr(0, text.size() - 1) : text;
  const std::size_t day_end = plain.find('T');
  if (day_end != plain.npos) {
    const std::optional<Moment> moment = ParseStamp(
        StrCat(plain.substr(0, day_end + 1), WithMillis(plain.substr(day_end + 1)), "Z"));
    if (moment) return *moment;
  } else if (text == plain) {
    const std::string day = FormatWallTime(std::chrono::nanoseconds(first).count()).substr(0, 11);
    const std::optional<Moment> moment = ParseStamp(StrCat(day, WithMillis(plain), "Z"));
    if (moment) return *moment < first ? *moment + kDay : *moment;
  }
  return Fail(Code::kConfigError,
              StrCat("--at ", text,
                     " is no moment; give seconds since the first event (+12.5), a time of day in "
                     "UTC (23:59:59) or all of it (2026-01-31T23:59:59Z)"));
}

}  // namespace weir::cli
