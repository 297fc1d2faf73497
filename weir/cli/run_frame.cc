#include "weir/cli/run_frame.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <span>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/frame_line.h"
#include "weir/cli/markdown/character.h"
#include "weir/cli/run_tree.h"
#include "weir/cli/terminal.h"
#include "weir/flow/figures.h"

namespace weir::cli {
namespace {

using flow::Compact;
using flow::Counted;
using flow::EngineState;
using flow::Grouped;
using flow::NodeStats;
using flow::Rate;
using flow::ShortTime;

constexpr int kLeastBar = 6;
constexpr int kMostBar = 24;
constexpr int kLeastName = 8;
constexpr std::uint64_t kShownWaiting = 100;                     // fewer only flicker
constexpr Duration kShownLeft = std::chrono::milliseconds(500);  // less would be 0 s

std::string_view Dot(bool unicode) { return unicode ? " · " : ", "; }

// How far the rows are: 0 to 1.
std::optional<double> PartDone(const flow::RunStats& stats) {
  if (stats.rows_total) {
    if (*stats.rows_total == 0) return 1;
    return static_cast<double>(std::min(stats.RowsEnded(), *stats.rows_total)) /
           static_cast<double>(*stats.rows_total);
  }
  if (!stats.part_read || stats.rows_read == 0) return std::nullopt;
  const double done = static_cast<double>(std::min(stats.RowsEnded(), stats.rows_read)) /
                      static_cast<double>(stats.rows_read);
  return std::clamp(*stats.part_read, 0.0, 1.0) * done;
}

std::string RowsDone(const flow::RunStats& stats) {
  if (!stats.rows_total) return Counted(stats.RowsEnded(), "row", "rows");
  return StrCat(Grouped(stats.RowsEnded()), " of ",
                Counted(std::max(stats.RowsEnded(), *stats.rows_total), "row", "rows"));
}

std::string WaitingRows(const flow::RunStats& stats) {
  return StrCat(Grouped(stats.rows_waiting), " wait for row ", Grouped(stats.rows_done + 1));
}

struct Filled {
  int ok = 0;
  int failed = 0;
  bool tip = false;  // something is on its way behind them
};

void AddBar(FrameLine& line, int width, const Filled& filled, bool unicode) {
  const auto repeat = [&](int count, std::string_view sign, std::string_view colour) {
    std::string text;
    for (int i = 0; i < count; ++i) text += sign;
    line.Add(text, colour);
  };
  repeat(filled.ok, unicode ? "━" : "=", kGreen);
  repeat(filled.failed, unicode ? "━" : "x", kRed);
  int rest = width - filled.ok - filled.failed;
  if (filled.tip && rest > 0) {
    line.Add(unicode ? "╸" : ">", kGreen);
    --rest;
  }
  repeat(rest, unicode ? "─" : "-", kDim);
}

// What failed takes a place of the bar, however little it is, if there is one beside it.
Filled Fill(int width, double part, std::uint64_t failed, std::uint64_t done, bool tip) {
  Filled filled{.tip = tip};
  const int all = std::clamp(static_cast<int>(part * width), 0, width);
  if (failed > 0 && done > 0) {
    const double share = static_cast<double>(failed) / static_cast<double>(done);
    filled.failed = std::clamp(static_cast<int>(std::lround(share * all)), all > 1 ? 1 : 0, all);
  }
  filled.ok = all - filled.failed;
  return filled;
}

// Parts one after another, as many as there is room for.
std::string Joined(std::span<const std::string> parts, int width, bool unicode) {
  std::string line;
  for (const std::string& part : parts) {
    const std::string longer = line.empty() ? part : StrCat(line, Dot(unicode), part);
    if (!line.empty() && TextWidth(longer) > width) break;
    line = longer;
  }
  return CutTo(line, width, unicode);
}

class Frame {
 public:
  Frame(const flow::Graph& graph, const flow::RunStats& stats, const Rates& rates, TimePoint now,
        const FrameOptions& options)
      : graph_(graph),
        stats_(stats),
        rates_(rates),
        now_(now),
        options_(options),
        width_(std::max(options.width - 1, 1)) {}

  std::vector<std::string> Lines() {
    const auto most = static_cast<std::size_t>(std::max(options_.height - 1, 1));
    AddTitle();
    AddWhole();
    AddFigures();
    AddEngines();
    constexpr std::size_t kLeastTree = 2;  // with its head
    if (lines_.size() + kLeastTree <= most) AddTree(most - lines_.size() - 1);
    if (lines_.size() > most) {
      // The title says least.
      lines_.erase(lines_.begin());
      lines_.resize(std::min(lines_.size(), most));
    }
    return std::move(lines_);
  }

 private:
  struct Column {
    std::string_view head;
    int width = 0;
    bool shown = true;
    std::string (Frame::*cell)(const NodeStats& node, const TreeLine& line) const = nullptr;
    std::string_view colour;
  };

  void Push(FrameLine& line) { lines_.push_back(line.Take()); }
  FrameLine NewLine() const { return FrameLine(options_.colour); }

  void AddTitle() {
    std::vector<std::string> parts = {OneLine(graph_.flow().name)};
    if (parts[0].empty()) parts[0] = "run";
    if (stats_.passes > 1) parts.push_back(StrCat("pass ", stats_.pass + 1, " of ", stats_.passes));
    parts.push_back(ShortTime(stats_.earlier + std::max(now_ - stats_.started, Duration{})));
    if (!stats_.phase.empty()) parts.push_back(OneLine(stats_.phase));
    FrameLine line = NewLine();
    line.Add(Joined(parts, width_, options_.unicode), kBold);
    Push(line);
  }

  void AddWhole() {
    std::vector<std::string> parts;
    const std::optional<double> part = PartDone(stats_);
    if (part) parts.push_back(flow::Percent(*part));
    parts.push_back(RowsDone(stats_));
    const std::optional<Duration> left = rates_.Left(stats_, now_);
    if (left && *left >= kShownLeft) parts.push_back(StrCat(ShortTime(*left), " left"));
    const std::string text = Joined(parts, width_, options_.unicode);
    const int room = std::min(width_ - TextWidth(text) - kColumnGap, 2 * kMostBar);
    FrameLine line = NewLine();
    if (part && room >= kLeastBar) {
      AddBar(line, room, Fill(room, *part, stats_.rows_failed, stats_.RowsEnded(), *part < 1),
             options_.unicode);
      line.Blanks(kColumnGap);
    }
    line.Add(text);
    Push(line);
  }

  void AddFigures() {
    std::uint64_t in_flight = 0;
    std::uint64_t retries = 0;
    for (const flow::GraphNode* node : graph_.all()) {
      if (node->step() != nullptr) in_flight += stats_.nodes[node->index].in_flight;
      retries += stats_.nodes[node->index].retries;
    }
    std::vector<std::string> parts = {
        StrCat(Grouped(stats_.rows_ok), " ok"), StrCat(Grouped(stats_.rows_failed), " failed"),
        StrCat(Rate(rates_.rows()), " rows/s"), StrCat(Rate(rates_.tokens()), " tokens/s"),
        StrCat(Grouped(in_flight), " in flight")};
    if (retries > 0) parts.push_back(Counted(retries, "retry", "retries"));
    if (stats_.rows_waiting > kShownWaiting) parts.push_back(WaitingRows(stats_));
    if (stats_.rows_before > 0) {
      parts.push_back(StrCat(Grouped(stats_.rows_before), " from before"));
    }
    FrameLine line = NewLine();
    line.Add(Joined(parts, width_, options_.unicode), stats_.rows_failed > 0 ? kYellow : kPlain);
    Push(line);
  }

  // Engines that are neither idle nor up, for how long.
  void AddEngines() {
    std::vector<std::string> parts;
    bool failed = false;
    for (const auto& [name, engine] : stats_.engines) {
      std::string_view state;
      if (engine.state == EngineState::kStarting) state = "starting";
      if (engine.state == EngineState::kStopping) state = "stopping";
      if (engine.state == EngineState::kFailed) state = "failed";
      if (state.empty()) continue;
      failed = failed || engine.state == EngineState::kFailed;
      parts.push_back(StrCat(OneLine(name), " ", state, " ", ShortTime(now_ - engine.since)));
      if (!engine.note.empty()) StrAppend(parts.back(), " (", OneLine(engine.note), ")");
    }
    if (parts.empty()) return;
    FrameLine line = NewLine();
    line.Add(Joined(parts, width_, options_.unicode), failed ? kRed : kCyan);
    Push(line);
  }

  static std::string Blank(const std::string& text) { return text == "0" ? "" : text; }

  std::string RowsCell(const NodeStats& node, const TreeLine& line) const {
    const std::uint64_t done = RowsThrough(node);
    return line.rows ? StrCat(Grouped(done), "/", Grouped(std::max(done, *line.rows)))
                     : Blank(Grouped(done));
  }
  std::string OkCell(const NodeStats& node, const TreeLine& /*line*/) const {
    return Blank(Grouped(node.ok));
  }
  std::string FailedCell(const NodeStats& node, const TreeLine& /*line*/) const {
    return Blank(Grouped(node.failed));
  }
  std::string InFlightCell(const NodeStats& node, const TreeLine& /*line*/) const {
    return Blank(Grouped(node.in_flight));
  }
  std::string RetriesCell(const NodeStats& node, const TreeLine& /*line*/) const {
    return Blank(Grouped(node.retries));
  }
  std::string RowRateCell(const NodeStats& /*node*/, const TreeLine& line) const {
    return Blank(Compact(rates_.node_rows(line.node->index)));
  }
  std::string TokenRateCell(const NodeStats& /*node*/, const TreeLine& line) const {
    return Blank(Compact(rates_.node_tokens(line.node->index)));
  }

  void AddTree(std::size_t max_lines) {
    std::vector<TreeLine> tree =
        RunTree(graph_, stats_, rates_, std::max<std::size_t>(max_lines, 1), options_.unicode);
    std::array<Column, 7> columns = {{{"rows", 7, true, &Frame::RowsCell, {}},
                                      {"ok", 6, true, &Frame::OkCell, {}},
                                      {"failed", 6, true, &Frame::FailedCell, kRed},
                                      {"in flight", 9, true, &Frame::InFlightCell, kCyan},
                                      {"retries", 7, true, &Frame::RetriesCell, kYellow},
                                      {"rows/s", 6, true, &Frame::RowRateCell, {}},
                                      {"tokens/s", 8, true, &Frame::TokenRateCell, {}}}};
    for (Column& column : columns) {
      for (const TreeLine& line : tree) {
        if (line.node == nullptr) continue;
        column.width = std::max(column.width, TextWidth(Cell(column, line)));
      }
    }
    FitColumns(tree, columns);
    FrameLine head = NewLine();
    head.PadTo(name_width_ + (bar_width_ > 0 ? kColumnGap + bar_width_ : 0));
    for (const Column& column : columns) AddCell(head, column, column.head, kDim);
    Push(head);
    for (const TreeLine& line : tree) AddTreeLine(line, columns);
  }

  std::string Cell(const Column& column, const TreeLine& line) const {
    return (this->*column.cell)(stats_.nodes[line.node->index], line);
  }

  // Drops one thing after another until the rest fits.
  void FitColumns(std::vector<TreeLine>& tree, std::array<Column, 7>& columns) {
    constexpr std::size_t kRows = 0;
    constexpr int kEngine = -1;
    constexpr int kBar = -2;
    constexpr int kDropped[] = {1, 4, 6, kEngine, 5, 3, kBar, 2};  // the least needed first
    bar_width_ = kLeastBar;
    std::size_t drops = 0;
    for (;;) {
      int wanted = kLeastName;
      for (const TreeLine& line : tree) wanted = std::max(wanted, NameWidth(line));
      int rest = width_ - (bar_width_ > 0 ? bar_width_ + kColumnGap : 0);
      for (const Column& column : columns) rest -= column.shown ? column.width + kColumnGap : 0;
      name_width_ = std::min(wanted, std::max(rest, kLeastName));
      // A name may lose its end before a column goes, but not half of it.
      const int enough = std::min(wanted, std::max(kLeastName, width_ / 4));
      if (rest >= enough || drops == std::size(kDropped)) {
        if (bar_width_ > 0) bar_width_ += std::clamp(rest - name_width_, 0, kMostBar - kLeastBar);
        break;
      }
      const int dropped = kDropped[drops++];
      if (dropped == kBar) {
        bar_width_ = 0;
      } else if (dropped == kEngine) {
        for (TreeLine& line : tree) line.engine.clear();
      } else {
        columns[static_cast<std::size_t>(dropped)].shown = false;
      }
    }
    if (name_width_ + kColumnGap + columns[kRows].width > width_) columns[kRows].shown = false;
    name_width_ = std::min(name_width_, width_);
  }

  static int NameWidth(const TreeLine& line) {
    constexpr int kSign = 2;
    return TextWidth(line.rails) + kSign + TextWidth(line.name) +
           (line.engine.empty() ? 0 : TextWidth(line.engine) + 3);
  }

  void AddCell(FrameLine& line, const Column& column, std::string_view text,
               std::string_view colour) const {
    if (!column.shown) return;
    line.Blanks(kColumnGap + column.width - TextWidth(text));
    line.Add(text, colour);
  }

  void AddTreeLine(const TreeLine& from, const std::array<Column, 7>& columns) {
    FrameLine line = NewLine();
    line.Add(CutTo(from.rails, name_width_, options_.unicode), kDim);
    int room = name_width_ - TextWidth(from.rails);
    AddSign(line, from, room);
    const std::string name = CutTo(from.name, room, options_.unicode);
    line.Add(name, from.node == nullptr ? kDim : std::string_view());
    room -= TextWidth(name);
    if (!from.engine.empty() && room > 3) {
      line.Blanks(1);
      line.Add(CutTo(StrCat("[", from.engine, "]"), room - 1, options_.unicode), kDim);
    }
    if (from.node != nullptr) {
      line.PadTo(name_width_);
      AddNodeBar(line, from);
      for (const Column& column : columns) AddCell(line, column, Cell(column, from), column.colour);
    }
    Push(line);
  }

  // Done, at work or waiting.
  void AddSign(FrameLine& line, const TreeLine& from, int& room) const {
    if (from.node == nullptr || room <= 2) return;
    const NodeStats& node = stats_.nodes[from.node->index];
    const bool unicode = options_.unicode;
    const std::uint64_t through = RowsThrough(node);
    const bool over = stats_.rows_total && stats_.rows_done >= *stats_.rows_total;
    if (through > 0 && node.in_flight == 0 && (over || (from.rows && through >= *from.rows))) {
      line.Add(unicode ? "✓ " : "+ ", node.failed > 0 ? kYellow : kGreen);
    } else if (from.busy) {
      line.Add(unicode ? "▸ " : "> ", kCyan);
    } else {
      line.Add(unicode ? "· " : ". ", kDim);
    }
    room -= 2;
  }

  void AddNodeBar(FrameLine& line, const TreeLine& from) const {
    if (bar_width_ == 0) return;
    line.Blanks(kColumnGap);
    const int end = name_width_ + kColumnGap + bar_width_;
    const NodeStats& node = stats_.nodes[from.node->index];
    const std::uint64_t done = RowsThrough(node);
    if (from.rows && *from.rows > 0) {
      const double part =
          std::min(1.0, static_cast<double>(done) / static_cast<double>(*from.rows));
      AddBar(line, bar_width_,
             Fill(bar_width_, part, node.failed + node.skipped, done, node.in_flight > 0),
             options_.unicode);
    }
    line.PadTo(end);
  }

  const flow::Graph& graph_;
  const flow::RunStats& stats_;
  const Rates& rates_;
  const TimePoint now_;
  const FrameOptions& options_;
  const int width_;
  int name_width_ = 0;
  int bar_width_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace

std::vector<std::string> RunFrame(const flow::Graph& graph, const flow::RunStats& stats,
                                  const Rates& rates, TimePoint now, const FrameOptions& options) {
  return Frame(graph, stats, rates, now, options).Lines();
}

std::string ProgressLine(const flow::RunStats& stats, const Rates& rates, TimePoint now,
                         bool unicode) {
  const std::string_view dot = Dot(unicode);
  std::string line;
  if (stats.passes > 1) StrAppend(line, "pass ", stats.pass + 1, " of ", stats.passes, dot);
  if (!stats.phase.empty()) StrAppend(line, OneLine(stats.phase), dot);
  StrAppend(line, RowsDone(stats), dot, Grouped(stats.rows_ok), " ok", dot,
            Grouped(stats.rows_failed), " failed", dot, Rate(rates.rows()), " rows/s", dot,
            Rate(rates.tokens()), " tokens/s");
  const std::optional<Duration> left = rates.Left(stats, now);
  if (left && *left >= kShownLeft) StrAppend(line, dot, ShortTime(*left), " left");
  if (stats.rows_waiting > kShownWaiting) StrAppend(line, dot, WaitingRows(stats));
  for (const auto& [name, engine] : stats.engines) {
    if (engine.state != EngineState::kStarting) continue;
    StrAppend(line, dot, OneLine(name), " starting ", ShortTime(now - engine.since));
  }
  return line;
}

std::string OneLine(std::string_view text) {
  std::string clean = Harmless(text);
  std::ranges::replace_if(clean, [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return clean;
}

std::string CutTo(std::string_view text, int width, bool unicode) {
  if (TextWidth(text) <= width) return std::string(text);
  if (width <= 0) return {};
  int room = width - 1;
  std::size_t end = 0;
  while (end < text.size()) {
    const Utf8Character next = DecodeCharacter(text.substr(end));
    room -= CharacterWidth(next.code_point);
    if (room < 0) break;
    end += next.length;
  }
  return StrCat(text.substr(0, end), unicode ? "…" : "~");
}

}  // namespace weir::cli
