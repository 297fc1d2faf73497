#include "weir/cli/run_view.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/cli/live_lines.h"
#include "weir/cli/run_frame.h"
#include "weir/cli/run_rates.h"
#include "weir/events/event.h"

namespace weir::cli {
namespace {

constexpr Duration kLineEvery = std::chrono::seconds(5);

std::string WithNewline(std::string_view text) {
  return StrCat(text, text.empty() || text.ends_with('\n') ? "" : "\n");
}

// Calls a function of the view again and again.
class Ticker {
 public:
  Ticker(async::Loop& loop, Duration every, std::function<void()> tick)
      : loop_(loop), every_(every), tick_(std::move(tick)), alarm_(loop, [this] { Tick(); }) {}

  void Start() { alarm_.Arm(loop_.Now() + every_); }
  void Stop() { alarm_.Disarm(); }

 private:
  void Tick() {
    tick_();
    Start();
  }

  async::Loop& loop_;
  const Duration every_;
  std::function<void()> tick_;
  async::Alarm alarm_;
};

class LiveView final : public RunView {
 public:
  LiveView(async::Loop& loop, ViewScreen screen, const flow::Graph& graph,
           const flow::RunStats& stats)
      : loop_(loop),
        screen_(std::move(screen)),
        graph_(graph),
        stats_(stats),
        ticker_(loop, std::chrono::milliseconds(100), [this] { Draw({}); }) {}
  ~LiveView() override { Finish({}, false); }

  void Begin() override {
    begun_ = true;
    Draw({});
    ticker_.Start();
  }
  void Above(std::string_view text) override {
    if (begun_) {
      Draw(text);
    } else {
      screen_.write(WithNewline(text));
    }
  }
  void End(std::string_view summary) override { Finish(summary, true); }
  void Withdraw() override {
    if (begun_) Write(lines_.Finish(screen_.size(), true));
    begun_ = false;
    ticker_.Stop();
  }

 private:
  void Draw(std::string_view above) {
    const TimePoint now = loop_.Now();
    const Terminal::Size size = screen_.size();
    rates_.Sample(stats_, now);
    const FrameOptions options{.width = size.width,
                               .height = size.height,
                               .colour = screen_.colour,
                               .unicode = screen_.unicode};
    Write(lines_.Draw(RunFrame(graph_, stats_, rates_, now, options), size, above));
  }

  void Finish(std::string_view summary, bool last_frame) {
    if (begun_) {
      begun_ = false;
      ticker_.Stop();
      if (summary.empty() && last_frame) Draw({});
      Write(lines_.Finish(screen_.size(), !summary.empty()));
    }
    if (!summary.empty()) screen_.write(WithNewline(summary));
  }

  void Write(const std::string& bytes) {
    if (!bytes.empty()) screen_.write(bytes);
  }

  async::Loop& loop_;
  const ViewScreen screen_;
  const flow::Graph& graph_;
  const flow::RunStats& stats_;
  Rates rates_;
  LiveLines lines_;
  bool begun_ = false;
  Ticker ticker_;
};

class PlainView final : public RunView {
 public:
  PlainView(async::Loop& loop, ViewScreen screen, const flow::RunStats& stats)
      : loop_(loop),
        screen_(std::move(screen)),
        stats_(stats),
        ticker_(loop, std::chrono::milliseconds(500), [this] { Look(); }) {}

  void Begin() override {
    said_at_ = loop_.Now();
    tenth_ = Tenth();
    rates_.Sample(stats_, said_at_);
    ticker_.Start();
  }
  void Above(std::string_view text) override { screen_.write(WithNewline(text)); }
  void End(std::string_view summary) override {
    ticker_.Stop();
    screen_.write(WithNewline(summary));
  }

 private:
  std::uint64_t Tenth() const {
    const std::uint64_t total = stats_.rows_total.value_or(0);
    return total == 0 ? 0 : std::min(stats_.RowsEnded(), total) * 10 / total;
  }

  void Look() {
    const TimePoint now = loop_.Now();
    rates_.Sample(stats_, now);
    const bool new_tenth = std::exchange(tenth_, Tenth()) != tenth_;
    if (!new_tenth && now - said_at_ < kLineEvery) return;
    said_at_ = now;
    screen_.write(StrCat("weir: ", ProgressLine(stats_, rates_, now, screen_.unicode), "\n"));
  }

  async::Loop& loop_;
  const ViewScreen screen_;
  const flow::RunStats& stats_;
  Rates rates_;
  TimePoint said_at_{};
  std::uint64_t tenth_ = 0;
  Ticker ticker_;
};

class JsonView final : public RunView {
 public:
  JsonView(async::Loop& loop, ViewScreen screen, const flow::RunStats& stats)
      : loop_(loop),
        screen_(std::move(screen)),
        stats_(stats),
        sink_(
            loop,
            [this](std::string_view line) {
              screen_.write(line);
              return true;
            },
            false),
        sampler_(loop, std::chrono::milliseconds(500),
                 [this] { rates_.Sample(stats_, loop_.Now()); }),
        ticker_(loop, kLineEvery, [this] { Tell(); }) {}

  void Begin() override {
    rates_.Sample(stats_, loop_.Now());
    sampler_.Start();
    ticker_.Start();
  }
  void Above(std::string_view text) override {
    const TraceField fields[] = {{"message", std::string_view(Trim(text))}};
    sink_.OnEvent("run.note", fields);
  }
  // The table is for people; its figures are those of the last event.
  void End(std::string_view /*summary*/) override {
    sampler_.Stop();
    ticker_.Stop();
    Tell();
  }
  TraceSink* sink() override { return &sink_; }

 private:
  void Tell() {
    const TimePoint now = loop_.Now();
    rates_.Sample(stats_, now);
    const flow::NodeStats sum = stats_.Sum();
    const auto whole = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
    std::vector<TraceField> fields = {{"pass", whole(stats_.pass + 1)},
                                      {"passes", whole(stats_.passes)},
                                      {"rows_done", whole(stats_.rows_done)},
                                      {"rows_ok", whole(stats_.rows_ok)},
                                      {"rows_failed", whole(stats_.rows_failed)},
                                      {"rows_waiting", whole(stats_.rows_waiting)},
                                      {"retries", whole(sum.retries)},
                                      {"prompt_tokens", sum.prompt_tokens},
                                      {"completion_tokens", sum.completion_tokens},
                                      {"rows_per_second", rates_.rows()},
                                      {"tokens_per_second", rates_.tokens()}};
    if (stats_.rows_total) fields.push_back({"rows_total", whole(*stats_.rows_total)});
    if (!stats_.phase.empty()) fields.push_back({"phase", std::string_view(stats_.phase)});
    const std::optional<Duration> left = rates_.Left(stats_, now);
    if (left) {
      fields.push_back({"seconds_left", std::chrono::duration<double>(*left).count()});
    }
    sink_.OnEvent("run.progress", fields);
  }

  async::Loop& loop_;
  const ViewScreen screen_;
  const flow::RunStats& stats_;
  Rates rates_;
  events::JsonlSink sink_;
  Ticker sampler_;
  Ticker ticker_;
};

class SilentView final : public RunView {
 public:
  explicit SilentView(ViewScreen screen) : screen_(std::move(screen)) {}

  void Begin() override {}
  void Above(std::string_view text) override { screen_.write(WithNewline(text)); }
  void End(std::string_view summary) override { screen_.write(WithNewline(summary)); }

 private:
  const ViewScreen screen_;
};

}  // namespace

std::unique_ptr<RunView> NewRunView(async::Loop& loop, ViewScreen screen, const flow::Graph& graph,
                                    const flow::RunStats& stats, ViewKind kind) {
  switch (kind) {
    case ViewKind::kLive:
      return std::make_unique<LiveView>(loop, std::move(screen), graph, stats);
    case ViewKind::kPlain:
      return std::make_unique<PlainView>(loop, std::move(screen), stats);
    case ViewKind::kJson:
      return std::make_unique<JsonView>(loop, std::move(screen), stats);
    case ViewKind::kNone:
      return std::make_unique<SilentView>(std::move(screen));
  }
  std::unreachable();
}

std::unique_ptr<RunView> NewRunView(async::Loop& loop, const Terminal& terminal,
                                    const flow::Graph& graph, const flow::RunStats& stats,
                                    ViewKind kind, const Env& env) {
  ViewScreen screen{.write = [&terminal](std::string_view text) { terminal.Raw(text); },
                    .size = StderrSize,
                    .colour = terminal.err_has_colour(),
                    .unicode = SpeaksUnicode(env)};
  return NewRunView(loop, std::move(screen), graph, stats, kind);
}

ViewKind UsualView(const Terminal& terminal, const Env& env) {
  const bool dumb = env.Get("TERM").value_or("dumb") == "dumb";
  return terminal.err_is_terminal() && !dumb ? ViewKind::kLive : ViewKind::kPlain;
}

bool SpeaksUnicode(const Env& env) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::optional<std::string> value = env.Get(name);
    if (!value) continue;
    const std::string locale = ToLower(*value);
    return locale.contains("utf-8") || locale.contains("utf8");
  }
  return false;
}

Terminal::Size StderrSize() {
  winsize found{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &found) != 0 || found.ws_col == 0 || found.ws_row == 0) {
    return {};
  }
  return {.width = found.ws_col, .height = found.ws_row};
}

}  // namespace weir::cli
