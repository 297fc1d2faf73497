#include "weir/cli/jobs_show.h"

#include <algorithm>
#include <chrono>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/frame_table.h"
#include "weir/cli/jobs_lines.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/run_frame.h"
#include "weir/cli/terminal.h"
#include "weir/flow/figures.h"
#include "weir/jobs/store_rules.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr std::size_t kMostShown = 4000;  // bytes of a row or a result
constexpr int kLabelWidth = 12;

std::string_view ColourOf(jobs::JobState state) {
  if (state == jobs::JobState::kDone) return kGreen;
  if (state == jobs::JobState::kFailed) return kRed;
  return state == jobs::JobState::kRunning ? kCyan : std::string_view();
}

// A label, and what belongs to it on lines of its own when there are several.
void AddField(std::string& text, std::string_view label, std::string_view value,
              const ShowJobOptions& options) {
  if (value.empty()) return;
  const std::string shown = Truncate(Harmless(Redact(value)), kMostShown);
  bool first = true;
  for (const std::string_view part : Split(shown, '\n')) {
    FrameLine line(options.colour);
    if (first) line.Add(label, kDim);
    line.PadTo(kLabelWidth);
    line.Add(part);
    StrAppend(text, line.Take(), "\n");
    first = false;
  }
}

// JSON on several lines where one would be too long.
std::string Spread(const std::string& text, int width) {
  const Result<json::Value> value = json::Read(text, {.max_bytes = text.size()});
  if (!value || std::cmp_less(text.size() + kLabelWidth, width)) return text;
  return json::Write(*value, {.indent = 2});
}

std::string OutcomeOf(json::View attempt) {
  if (attempt.Find("success").BoolOr(false)) {
    return attempt.Find("repaired").BoolOr(false) ? "ok, its JSON was mended" : "ok";
  }
  return StrCat(attempt.Find("error").StringOr("failed"), ": ",
                attempt.Find("message").StringOr(""));
}

// The tries of its calls, one line each.
void AddAttempts(std::string& text, const jobs::JobInfo& job, const ShowJobOptions& options) {
  const Result<json::Value> tries = json::Read(job.tries, {.max_bytes = job.tries.size()});
  if (!tries || tries->empty()) return;
  FrameTable table({{.head = "try", .words = true},
                    {.head = "node", .drop = 2, .words = true},
                    {.head = "engine", .drop = 3, .words = true},
                    {.head = "provider", .drop = 4, .words = true},
                    {.head = "model", .drop = 5, .words = true},
                    {.head = "began", .drop = 6, .words = true, .least = 24},
                    {.head = "took"},
                    {.head = "outcome", .words = true, .fills = true, .least = 20}});
  for (const json::View attempt : tries->items()) {
    const auto cell = [&](std::string_view key) {
      return TableCell{.text = OneLine(attempt.Find(key).StringOr(""))};
    };
    const bool ok = attempt.Find("success").BoolOr(false);
    const std::chrono::milliseconds took(attempt.Find("duration_ms").AsInt64().value_or(0));
    table.Add({{.text = std::string(attempt.Find("attempt").NumberText())},
               cell("node"),
               cell("engine"),
               cell("provider"),
               cell("model"),
               cell("started_at"),
               {.text = flow::Latency(took)},
               {.text = OneLine(Redact(OutcomeOf(attempt))), .colour = ok ? kGreen : kRed}});
  }
  text += '\n';
  for (const std::string& line : table.Lines(options.width, options.colour, options.unicode)) {
    StrAppend(text, line, "\n");
  }
}

// "2 times, and 1 worker died with it"
std::string TriesOf(const jobs::JobInfo& job) {
  std::string text = job.attempts == 0
                         ? std::string("not to an end")
                         : flow::Counted(static_cast<std::uint64_t>(job.attempts), "time", "times");
  if (job.crashes > 0) {
    StrAppend(text, ", and ", job.crashes, job.crashes == 1 ? " worker" : " workers",
              " died with it");
  }
  return text;
}

void WriteRaw(json::Writer& out, std::string_view key, std::string_view value) {
  out.Key(key);
  out.Raw(value.empty() ? "null" : value);
}

}  // namespace

std::string JobText(const jobs::JobInfo& job, std::string_view queue,
                    const ShowJobOptions& options) {
  FrameLine title(options.colour);
  title.Add(StrCat("job ", job.id, " of queue ", OneLine(queue), ": "), kBold);
  title.Add(jobs::StateName(job.state), ColourOf(job.state));
  std::string text = StrCat(title.Take(), "\n");
  AddField(text, "row id", job.row_id, options);
  AddField(text, "key", job.key, options);
  if (job.priority != 0) AddField(text, "priority", StrCat(job.priority), options);
  AddField(text, "tried", TriesOf(job), options);
  if (!job.error.empty()) {
    AddField(text, "error", StrCat(job.error, ": ", job.message), options);
    AddField(text, "what to do", AdviceFor(job.error), options);
  }
  AddField(text, "row", Spread(job.row, options.width), options);
  AddField(text, "result", Spread(job.result, options.width), options);
  AddField(text, "made by", Spread(job.metadata, options.width), options);
  AddAttempts(text, job, options);
  return text;
}

std::string JobJson(const jobs::JobInfo& job, std::string_view queue) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.PlainKey("job");
  out.Int(job.id);
  out.Field("queue", queue);
  out.Field("state", jobs::StateName(job.state));
  out.Field("id", job.row_id);
  out.Field("key", job.key);
  for (const auto& [name, count] :
       {std::pair("priority", job.priority), std::pair("attempts_ended", job.attempts),
        std::pair("crashes", job.crashes)}) {
    out.Key(name);
    out.Int(count);
  }
  WriteRaw(out, "row", job.row);
  WriteRaw(out, "result", job.result);
  out.PlainKey("error");
  if (job.error.empty()) {
    out.Null();
  } else {
    out.BeginObject();
    out.Field("name", job.error);
    out.Field("message", job.message);
    out.EndObject();
  }
  WriteRaw(out, "metadata", job.metadata);
  WriteRaw(out, "attempts", job.tries.empty() ? std::string_view("[]") : job.tries);
  out.EndObject();
  return text + "\n";
}

void DeadLetters::Add(const jobs::JobInfo& job) {
  ++jobs_;
  Group& group = groups_[job.error];
  if (group.jobs++ > 0) return;
  group.error = job.error;
  group.first = job.id;
  group.row_id = job.row_id;
  group.message = job.message;
}

std::vector<DeadLetters::Group> DeadLetters::Sorted() const {
  std::vector<Group> sorted;
  sorted.reserve(groups_.size());
  for (const auto& [name, group] : groups_) sorted.push_back(group);
  std::ranges::sort(sorted, std::greater(),
                    [](const Group& group) { return std::pair(group.jobs, -group.first); });
  return sorted;
}

std::string DeadLetters::Text(std::string_view queue, const ShowJobOptions& options) const {
  std::string text;
  for (const Group& group : Sorted()) {
    FrameLine title(options.colour);
    title.Add(group.error, kRed);
    title.Add(StrCat(": ", CountedJobs(group.jobs)), kBold);
    StrAppend(text, text.empty() ? "" : "\n", title.Take(), "\n");
    StrAppend(text, "  job ", group.first, " (row ", OneLine(group.row_id),
              "): ", Truncate(OneLine(Redact(group.message)), kMostShown), "\n");
    StrAppend(text, "  ", AdviceFor(group.error), "\n");
    StrAppend(text, "  one of them: weir jobs status --job ", group.first, options.store,
              "; again: weir jobs retry -q ", OneLine(queue), " --error ", group.error,
              options.store, "\n");
  }
  return text;
}

std::string DeadLetters::Json(std::string_view queue) const {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("queue", queue);
  out.PlainKey("failed");
  out.Int(jobs_);
  out.PlainKey("errors");
  out.BeginArray();
  for (const Group& group : Sorted()) {
    out.BeginObject();
    out.Field("error", group.error);
    out.PlainKey("jobs");
    out.Int(group.jobs);
    out.PlainKey("example");
    out.BeginObject();
    out.PlainKey("job");
    out.Int(group.first);
    out.Field("id", group.row_id);
    out.Field("message", group.message);
    out.EndObject();
    out.Field("advice", AdviceFor(group.error));
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

std::string_view AdviceFor(std::string_view error) {
  struct Row {
    std::string_view begins;
    std::string_view advice;
  };
  static constexpr Row kRows[] = {
      {jobs::kQuarantined,
       "workers died while they had it: look at the row and at the log of the workers before you "
       "try it again"},
      {"timeout",
       "the server was too slow: raise the clock that the message names, or find out why"},
      {"stream_", "the server fell silent or hung up: its log says why"},
      {"connection_error", "the server could not be reached: weir doctor says more"},
      {"http_401", "the server wants a key: api_key_env"},
      {"http_403", "the key may not do this: another key, or another model"},
      {"http_404", "there is no such model or address: weir doctor says more"},
      {"http_429", "too many requests: limits.max_in_flight, or submit with --rate"},
      {"http_5", "the server was busy or broken: try again once it is well"},
      {"http_4",
       "the server refused the request, for what the message says: mend the flow or the row"},
      {"context_length", "the row is too long for the model: shorten it, or take another model"},
      {"content_filter", "the content was refused: change the row, or take another model"},
      {"empty_model_response", "the model said nothing: another variant may do better"},
      {"truncated", "the answer was cut: raise max_tokens"},
      {"invalid_json", "the answer was no good: another variant, or a simpler schema"},
      {"schema_mismatch", "the answer was no good: another variant, or a simpler schema"},
      {"constraint_violated", "the server ignored the constraint: its dialect, or another engine"},
      {"budget_exceeded", "the budget was used up: raise it"},
      {"turn_limit", "the agent had no turns left: raise max_turns"},
      {"no_submit", "the agent ended without a result: another variant, or a clearer prompt"},
      {"internal_error", "this is a bug in weir: please report it"},
  };
  for (const Row& row : kRows) {
    if (error.starts_with(row.begins)) return row.advice;
  }
  return "what the message says has to be mended first; docs/errors.md has all names";
}

}  // namespace weir::cli
