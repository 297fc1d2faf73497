#include "weir/events/story.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/events/story_agent.h"
#include "weir/events/story_words.h"
#include "weir/events/truncate.h"

namespace weir::events {
namespace {

constexpr std::size_t kNameWidth = 14;
constexpr std::size_t kShownChars = 200;  // of one value

std::string Who(json::View event) {
  const std::string_view engine = TextOf(event, "engine");
  return std::string(engine.empty() ? "the engine" : engine);
}

std::string TellRequest(json::View event) {
  std::string told = StrCat(Who(event), " is asked");
  if (event.Find("model").exists()) StrAppend(told, " for ", TextOf(event, "model"));
  if (event.Find("message_count").exists()) {
    const std::int64_t count = WholeOf(event, "message_count");
    StrAppend(told, ", ", CountOf(count, "message"));
  } else if (event.Find("prompt_length").exists()) {
    StrAppend(told, ", a prompt of ", WholeOf(event, "prompt_length"));
  }
  if (event.Find("stream").BoolOr(false)) told += ", streamed";
  return told;
}

std::string TellResponse(json::View event) {
  const std::string time = TimeOr(event.Find("duration_ms"), "some time");
  if (TextOf(event, "status") != "ok") {
    return StrCat(Who(event), " failed after ", time, ": ", Why(event));
  }
  std::string told = StrCat(Who(event), " answered in ", time);
  if (event.Find("ttft_ms").exists()) {
    StrAppend(told, " (first token after ", TimeOr(event.Find("ttft_ms"), "?"), ")");
  }
  if (event.Find("prompt_tokens").exists()) {
    StrAppend(told, ", ", WholeOf(event, "prompt_tokens"), " + ",
              WholeOf(event, "completion_tokens"), " tokens");
  }
  const std::string_view finish = TextOf(event, "finish_reason");
  if (!finish.empty()) StrAppend(told, ", ", finish);
  return told;
}

std::string TellRetry(json::View event) {
  return StrCat("again in ", TimeOr(event.Find("delay_ms"), "a while"), " (",
                WholeOf(event, "retry"), " of ", WholeOf(event, "max_retries"), ") after ",
                Why(event));
}

std::string TellFallback(json::View event) {
  return StrCat(TextOf(event, "to"), " instead of ", TextOf(event, "from"), " after ", Why(event));
}

std::string TellAborted(json::View event) {
  return StrCat(Who(event), " stopped after ", WholeOf(event, "pieces"), " pieces and ",
                TimeOr(event.Find("duration_ms"), "some time"), ": ", Why(event));
}

std::string TellSpanEnd(json::View event) {
  std::string told =
      StrCat(TextOf(event, "span"), " took ", TimeOr(event.Find("duration_ms"), "?"));
  if (event.Find("detail").exists()) StrAppend(told, ", ", TextOf(event, "detail"));
  if (event.Find("error").exists()) StrAppend(told, ", ", Why(event));
  return told;
}

std::string TellNodeEnd(json::View event) {
  const bool ok = event.Find("ok").BoolOr(true);
  std::string told = StrCat("row ", AnyOf(event, "row"), ok ? " is through " : " fails at ",
                            TextOf(event, "node"));
  if (!ok) return StrCat(told, ": ", Why(event));
  if (event.Find("prompt_tokens").exists()) {
    StrAppend(told, ", ", WholeOf(event, "prompt_tokens"), " + ",
              WholeOf(event, "completion_tokens"), " tokens");
  }
  return told;
}

std::string TellRunEnd(json::View event) {
  const std::string_view error = TextOf(event, "error");
  return StrCat(CountOf(WholeOf(event, "rows"), "row"), ", ", WholeOf(event, "ok"), " ok, ",
                WholeOf(event, "failed"), " failed", error.empty() ? "" : ": ", error);
}

std::string TellFields(json::View event) {
  std::string told;
  for (const auto& [key, value] : event.members()) {
    if (key == "ts" || key == "seq" || key == "event" || key == "agent") continue;
    const std::string text =
        value.IsString() ? std::string(value.StringOr("")) : json::Write(value);
    StrAppend(told, told.empty() ? "" : " ", key, "=", TruncateText(text, kShownChars));
  }
  return told;
}

std::string InWords(std::string_view name, json::View event) {
  constexpr struct {
    std::string_view name;
    std::string (*tell)(json::View);
  } kTellers[] = {{"llm:request", TellRequest},        {"llm:response", TellResponse},
                  {"provider:retry", TellRetry},       {"engine:fallback", TellFallback},
                  {"llm:stream_aborted", TellAborted}, {"span.end", TellSpanEnd},
                  {"node.end", TellNodeEnd},           {"run.end", TellRunEnd}};
  const auto* teller = std::ranges::find(kTellers, name, [](const auto& its) { return its.name; });
  if (teller != std::end(kTellers)) return teller->tell(event);
  const std::optional<std::string> told = TellAgent(name, event);
  return told ? *told : TellFields(event);
}

// What an event holds must not steer a terminal.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (c == '\n') {
      line += "\\n";
    } else {
      line += control ? '?' : c;
    }
  }
  return line;
}

// The smallest value that is at least as great as that part of all.
double Percentile(std::vector<double> values, double part) {
  const auto rank = static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max<std::size_t>(rank, 1) - 1);
  std::ranges::nth_element(values, at);
  return *at;
}

void WritePercentiles(json::Writer& out, std::string_view key, const std::vector<double>& values) {
  if (values.empty()) return;
  out.Key(key);
  out.BeginObject();
  out.Key("p50");
  out.Double(Percentile(values, 0.5));
  out.Key("p95");
  out.Double(Percentile(values, 0.95));
  out.EndObject();
}

void WriteCount(json::Writer& out, std::string_view key, std::int64_t count) {
  out.Key(key);
  out.Int(count);
}

using Cells = std::vector<std::string>;

// The first column to the left, the others to the right.
void AppendTable(std::string& out, const std::vector<Cells>& rows) {
  std::vector<std::size_t> widths;
  for (const Cells& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], CountCharacters(row[i]));
  }
  for (const Cells& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - CountCharacters(row[i]), ' ');
      i == 0 ? StrAppend(out, row[i], gap) : StrAppend(out, "  ", gap, row[i]);
    }
    out += '\n';
  }
}

std::string PercentileCell(const std::vector<double>& values, double part) {
  return values.empty() ? "-" : FormatTime(Percentile(values, part));
}

}  // namespace

std::string Tell(json::View event) {
  std::string name(TextOf(event, "event"));
  const std::string_view agent = TextOf(event, "agent");
  const std::string words = InWords(name, event);
  const std::string told = StrCat(agent, agent.empty() || words.empty() ? "" : ": ", words);
  name.resize(std::max(name.size(), kNameWidth), ' ');
  return OneLine(told.empty() ? Trim(name) : StrCat(name, "  ", told));
}

std::string TellBriefly(json::View event) {
  const std::string_view name = TextOf(event, "event");
  const std::string words = InWords(name, event);
  return OneLine(words.empty() ? name : words);
}

std::optional<std::int64_t> TimeOf(json::View event) {
  const std::string_view text = TextOf(event, "ts");  // "2026-01-31T23:59:59.123Z"
  constexpr std::pair<std::size_t, std::size_t> kParts[] = {{0, 4},  {5, 2},  {8, 2}, {11, 2},
                                                            {14, 2}, {17, 2}, {20, 3}};
  std::array<std::int64_t, std::size(kParts)> parts{};
  if (text.size() != 24) return std::nullopt;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto part = ParseUint(text.substr(kParts[i].first, kParts[i].second));
    if (!part) return std::nullopt;
    parts[i] = static_cast<std::int64_t>(*part);
  }
  const auto [year, month, day, hour, minute, second, millis] = parts;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis;
}

void Statistics::Add(json::View event) {
  const std::string_view name = TextOf(event, "event");
  if (name.empty()) return AddInvalid();
  ++lines_;
  ++events_[std::string(name)];
  if (name != "llm:response") return;
  Engine& engine = engines_[std::string(TextOf(event, "engine"))];
  const bool ok = TextOf(event, "status") == "ok";
  ++(ok ? engine.ok : engine.failed);
  if (!ok) ++errors_[std::string(TextOf(event, "error"))];
  engine.input_tokens += WholeOf(event, "prompt_tokens");
  engine.output_tokens += WholeOf(event, "completion_tokens");
  if (const auto time = event.Find("duration_ms").AsDouble()) engine.durations.push_back(*time);
  if (const auto time = event.Find("ttft_ms").AsDouble()) engine.first_tokens.push_back(*time);
}

std::int64_t Statistics::Count(std::string_view event) const {
  const auto found = events_.find(event);
  return found == events_.end() ? 0 : found->second;
}

void Statistics::Write(json::Writer& out) const {
  const auto write_counts = [&](std::string_view key, const Counts& counts) {
    out.Key(key);
    out.BeginObject();
    for (const auto& [name, count] : counts) WriteCount(out, name, count);
    out.EndObject();
  };
  out.BeginObject();
  WriteCount(out, "lines", lines_);
  WriteCount(out, "invalid", invalid_);
  write_counts("events", events_);
  out.Key("engines");
  out.BeginObject();
  for (const auto& [name, engine] : engines_) {
    out.Key(name);
    out.BeginObject();
    WriteCount(out, "ok", engine.ok);
    WriteCount(out, "error", engine.failed);
    WritePercentiles(out, "duration_ms", engine.durations);
    WritePercentiles(out, "ttft_ms", engine.first_tokens);
    WriteCount(out, "input_tokens", engine.input_tokens);
    WriteCount(out, "output_tokens", engine.output_tokens);
    out.EndObject();
  }
  out.EndObject();
  write_counts("errors", errors_);
  WriteCount(out, "retries", Count("provider:retry"));
  WriteCount(out, "fallbacks", Count("engine:fallback"));
  out.EndObject();
}

std::string Statistics::Text() const {
  std::string out;
  const auto append_counts = [&](std::string_view title, const Counts& counts) {
    if (counts.empty()) return;
    std::vector<Cells> rows = {{std::string(title), "count"}};
    for (const auto& [name, count] : counts) rows.push_back({OneLine(name), StrCat(count)});
    if (!out.empty()) out += '\n';
    AppendTable(out, rows);
  };
  append_counts("event", events_);
  if (!engines_.empty()) {
    std::vector<Cells> rows = {
        {"engine", "ok", "error", "time p50", "p95", "first token p50", "p95", "tokens in", "out"}};
    for (const auto& [name, engine] : engines_) {
      rows.push_back({OneLine(name), StrCat(engine.ok), StrCat(engine.failed),
                      PercentileCell(engine.durations, 0.5), PercentileCell(engine.durations, 0.95),
                      PercentileCell(engine.first_tokens, 0.5),
                      PercentileCell(engine.first_tokens, 0.95), StrCat(engine.input_tokens),
                      StrCat(engine.output_tokens)});
    }
    out += '\n';
    AppendTable(out, rows);
  }
  append_counts("error", errors_);
  StrAppend(out, out.empty() ? "" : "\n", lines_, " events, ", Count("provider:retry"),
            " retries, ", Count("engine:fallback"), " fallbacks");
  if (invalid_ > 0) StrAppend(out, ", ", invalid_, " lines that are no events");
  out += '\n';
  return out;
}

}  // namespace weir::events
