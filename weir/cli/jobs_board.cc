#include "weir/cli/jobs_board.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "weir/base/text.h"
#include "weir/cli/jobs_store.h"
#include "weir/cli/run_frame.h"
#include "weir/cli/run_rates.h"
#include "weir/cli/run_view.h"
#include "weir/flow/figures.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using jobs::JobState;

std::string Figure(std::int64_t count) {
  return flow::Grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0)));
}

// Nothing where there is none, so that the column goes when no queue has any.
std::string FigureOrNothing(std::int64_t count) { return count == 0 ? "" : Figure(count); }

std::string TimeOf(std::int64_t millis) {
  if (millis < 1000) return StrCat(std::max<std::int64_t>(millis, 0), " ms");
  return flow::ShortTime(std::chrono::milliseconds(millis));
}

// Of what is still to come.
std::string InTime(std::int64_t millis) {
  return millis == 0 ? std::string("now") : StrCat("in ", TimeOf(millis));
}

// "waits; 3 jobs to be tried again, the next in 2 s"
std::string StandOf(const jobs::WorkerInfo& worker) {
  std::string text = worker.paused.empty() ? "" : "waits";
  if (worker.resting == 0) return text;
  StrAppend(text, text.empty() ? "" : "; ", CountedJobs(worker.resting), " to be tried again");
  if (worker.next_try_ms) StrAppend(text, ", the next ", InTime(*worker.next_try_ms));
  return text;
}

std::int64_t EndedOf(const jobs::QueueInfo& queue) {
  return CountOf(queue, JobState::kDone) + CountOf(queue, JobState::kFailed) +
         CountOf(queue, JobState::kCancelled);
}

// "4 at once, 2.5/s"
std::string LimitsOf(const jobs::QueueSpec& spec) {
  std::string text;
  if (spec.concurrency) StrAppend(text, *spec.concurrency, " at once");
  if (spec.rate) StrAppend(text, text.empty() ? "" : ", ", flow::Rate(*spec.rate), "/s");
  return text;
}

TableCell Coloured(std::int64_t count, std::string_view colour) {
  return {.text = Figure(count), .colour = count > 0 ? colour : std::string_view()};
}

std::vector<TableCell> RowOf(const jobs::QueueInfo& queue, std::optional<double> rate) {
  const auto count = [&](JobState state) { return CountOf(queue, state); };
  const std::int64_t open = OpenJobsOf(queue);
  std::string left;
  if (rate && *rate > 0 && open > 0) {
    const std::chrono::duration<double> seconds(static_cast<double>(open) / *rate);
    left = flow::ShortTime(std::chrono::duration_cast<Duration>(seconds));
  }
  return {
      {.text = OneLine(queue.spec.name)},
      {.text = FigureOrNothing(count(JobState::kWaiting))},
      {.text = queue.next_ms ? InTime(*queue.next_ms) : ""},
      {.text = Figure(count(JobState::kQueued))},
      Coloured(count(JobState::kRunning), kCyan),
      Coloured(count(JobState::kDone), kGreen),
      Coloured(count(JobState::kFailed), kRed),
      {.text = FigureOrNothing(count(JobState::kCancelled))},
      {.text = rate ? flow::Rate(*rate) : ""},
      {.text = left},
      {.text = queue.oldest_ms ? TimeOf(*queue.oldest_ms) : ""},
      {.text = FigureOrNothing(queue.crashes), .colour = kYellow},
      {.text = FigureOrNothing(queue.repeated_calls)},
      {.text = LimitsOf(queue.spec)},
      {.text = OneLine(queue.spec.flow), .colour = kDim},
  };
}

FrameTable QueueTable(const JobsMoment& moment, const JobsRates* rates) {
  FrameTable table({{.head = "queue", .words = true},
                    {.head = "waiting", .drop = 2},
                    {.head = "next", .drop = 4},
                    {.head = "queued"},
                    {.head = "running"},
                    {.head = "done"},
                    {.head = "failed"},
                    {.head = "cancelled", .drop = 3},
                    {.head = "per s", .drop = 1},
                    {.head = "left", .drop = 2},
                    {.head = "oldest", .drop = 4},
                    {.head = "crashes", .drop = 5},
                    {.head = "asked again", .drop = 6},
                    {.head = "limits", .drop = 7, .words = true},
                    {.head = "flow", .drop = 8, .words = true, .least = 16}});
  for (const jobs::QueueInfo& queue : moment.queues) {
    table.Add(RowOf(queue, rates == nullptr ? std::nullopt : rates->Of(queue.id)));
  }
  return table;
}

FrameTable WorkerTable(const JobsMoment& moment) {
  FrameTable table({{.head = "worker", .words = true},
                    {.head = "holds"},
                    {.head = "last beat", .drop = 1},
                    {.head = "there for", .drop = 2},
                    {.head = "state", .words = true, .least = 16}});
  for (const jobs::WorkerInfo& worker : moment.workers) {
    table.Add({{.text = OneLine(worker.name)},
               {.text = CountedJobs(worker.running)},
               {.text = StrCat(TimeOf(worker.seen_ms), " ago")},
               {.text = TimeOf(worker.since_ms)},
               {.text = OneLine(StandOf(worker)), .colour = kYellow}});
  }
  return table;
}

// A part that is too high for its room loses its end, and says how much that is.
void Cut(std::vector<std::string>& lines, int room, std::string_view what) {
  if (std::cmp_less_equal(lines.size(), std::max(room, 1))) return;
  const std::size_t kept = static_cast<std::size_t>(std::max(room, 1)) - 1;
  const std::size_t left_out = lines.size() - kept;
  lines.resize(kept);
  lines.push_back(StrCat("... ", left_out, " more ", what));
}

void WriteCount(json::Writer& out, std::string_view name, std::int64_t count) {
  out.Key(name);
  out.Int(count);
}

void WriteQueue(json::Writer& out, const jobs::QueueInfo& queue, std::optional<double> rate) {
  const jobs::QueueSpec& spec = queue.spec;
  out.BeginObject();
  out.Field("name", spec.name);
  out.Field("flow", spec.flow);
  out.Field("digest", spec.digest);
  if (spec.concurrency) WriteCount(out, "concurrency", *spec.concurrency);
  if (spec.rate) {
    out.PlainKey("rate");
    out.Double(*spec.rate);
  }
  WriteCount(out, "max_attempts", spec.max_attempts);
  WriteCount(out, "max_crashes", spec.max_crashes);
  out.PlainKey("jobs");
  out.BeginObject();
  for (int i = 0; i < jobs::kJobStates; ++i) {
    const auto state = static_cast<JobState>(i);
    WriteCount(out, jobs::StateName(state), CountOf(queue, state));
  }
  out.EndObject();
  if (queue.oldest_ms) WriteCount(out, "oldest_ms", *queue.oldest_ms);
  if (queue.next_ms) WriteCount(out, "next_ms", *queue.next_ms);
  WriteCount(out, "crashes", queue.crashes);
  WriteCount(out, "repeated_calls", queue.repeated_calls);
  if (rate) {
    out.PlainKey("ended_per_second");
    out.Double(*rate);
  }
  out.EndObject();
}

}  // namespace

void JobsRates::Sample(const std::vector<jobs::QueueInfo>& queues, TimePoint now) {
  Point point{.at = now, .ended = {}};
  for (const jobs::QueueInfo& queue : queues) point.ended[queue.id] = EndedOf(queue);
  points_.push_back(std::move(point));
  while (points_.size() > 2 && now - points_[1].at >= kRateWindow) points_.pop_front();
}

std::optional<double> JobsRates::Of(jobs::QueueId queue) const {
  if (points_.size() < 2) return std::nullopt;
  const Point& first = points_.front();
  const Point& last = points_.back();
  const auto before = first.ended.find(queue);
  const auto now = last.ended.find(queue);
  const double seconds = std::chrono::duration<double>(last.at - first.at).count();
  if (before == first.ended.end() || now == last.ended.end() || seconds <= 0) return std::nullopt;
  // Jobs that were purged or tried again are no longer among those that have ended.
  const std::int64_t more = std::max<std::int64_t>(now->second - before->second, 0);
  return static_cast<double>(more) / seconds;
}

std::vector<std::string> JobsLines(const JobsMoment& moment, const JobsRates* rates,
                                   const JobsBoardOptions& options) {
  std::vector<std::string> lines;
  const auto words = [&](std::string_view text, std::string_view colour) {
    FrameLine line(options.colour);
    line.Add(CutTo(OneLine(text), options.width, options.unicode), colour);
    return line.Take();
  };
  if (!options.title.empty()) lines.push_back(words(options.title, kBold));
  if (!options.note.empty()) lines.push_back(words(options.note, kYellow));
  std::vector<std::string> queues =
      QueueTable(moment, rates).Lines(options.width, options.colour, options.unicode);
  if (moment.queues.empty()) {
    queues = {
        words(StrCat("no queue yet: weir jobs submit FLOW", options.store, " makes one"), {})};
  }
  std::vector<std::string> workers =
      WorkerTable(moment).Lines(options.width, options.colour, options.unicode);
  for (const jobs::WorkerInfo& worker : moment.workers) {
    if (worker.paused.empty()) continue;
    const std::string why = StrCat(worker.name, " waits: ", worker.paused);
    // On a screen there is no room for more than a line.
    const int width = options.height > 0 ? options.width : static_cast<int>(why.size());
    workers.push_back(CutTo(OneLine(why), width, options.unicode));
  }
  if (moment.workers.empty()) {
    const bool wanted = std::ranges::any_of(
        moment.queues, [](const jobs::QueueInfo& queue) { return OpenJobsOf(queue) > 0; });
    workers = {
        words(wanted ? StrCat("no worker is there: weir jobs work", options.store, " starts one")
                     : std::string("no worker is there"),
              {})};
  }
  if (options.height > 0) {
    const int room = options.height - static_cast<int>(lines.size()) - (options.keys ? 2 : 0) - 1;
    const int for_workers = std::min(static_cast<int>(workers.size()), room / 2);
    Cut(queues, room - for_workers, "queues");
    Cut(workers, room - static_cast<int>(queues.size()), "workers");
  }
  lines.insert(lines.end(), queues.begin(), queues.end());
  lines.emplace_back();
  lines.insert(lines.end(), workers.begin(), workers.end());
  if (!options.keys) return lines;
  lines.emplace_back();
  lines.push_back(words("q quit", kDim));
  return lines;
}

std::string JobsJson(const JobsMoment& moment, const JobsRates* rates) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("store", moment.store);
  out.PlainKey("queues");
  out.BeginArray();
  for (const jobs::QueueInfo& queue : moment.queues) {
    WriteQueue(out, queue, rates == nullptr ? std::nullopt : rates->Of(queue.id));
  }
  out.EndArray();
  out.PlainKey("workers");
  out.BeginArray();
  for (const jobs::WorkerInfo& worker : moment.workers) {
    out.BeginObject();
    WriteCount(out, "id", worker.id);
    out.Field("name", worker.name);
    WriteCount(out, "running", worker.running);
    WriteCount(out, "since_ms", worker.since_ms);
    WriteCount(out, "seen_ms", worker.seen_ms);
    if (!worker.paused.empty()) out.Field("paused", worker.paused);
    WriteCount(out, "resting", worker.resting);
    if (worker.next_try_ms) WriteCount(out, "next_try_ms", *worker.next_try_ms);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  return text + "\n";
}

std::string LinesOf(const FrameTable& table, const Session& session) {
  const Terminal& terminal = session.terminal;
  const int width = terminal.table_width();
  std::string text;
  for (const std::string& line :
       table.Lines(width, terminal.out_has_colour(), SpeaksUnicode(session.env))) {
    StrAppend(text, line, "\n");
  }
  return text;
}

}  // namespace weir::cli
