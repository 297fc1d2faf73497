#include "weir/cli/run_summary.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/cli/colours.h"
#include "weir/cli/markdown/character.h"
#include "weir/cli/print.h"
#include "weir/cli/run_frame.h"
#include "weir/flow/figures.h"

namespace weir::cli {
namespace {

using flow::Grouped;
using flow::NodeStats;

constexpr std::size_t kGap = 2;
constexpr std::size_t kMostName = 30;

struct Column {
  std::string head;
  std::vector<std::string> cells;  // one for each node, and the last for all of them
  bool alarm = false;              // what stands in it is bad news

  bool Says() const {
    return std::ranges::any_of(cells, [](const std::string& cell) { return !cell.empty(); });
  }
  std::size_t Width() const {
    int width = TextWidth(head);
    for (const std::string& cell : cells) width = std::max(width, TextWidth(cell));
    return static_cast<std::size_t>(width);
  }
};

class SummaryText {
 public:
  SummaryText(const flow::Graph& graph, const flow::RunStats& stats, TimePoint now,
              const SummaryOptions& options)
      : graph_(graph),
        stats_(stats),
        options_(options),
        seconds_(std::chrono::duration<double>(std::max(now - stats.started, Duration{})).count()),
        time_(stats.earlier + std::max(now - stats.started, Duration{})),
        sum_(stats.Sum()) {}

  std::string Text() {
    std::string text = Whole();
    std::vector<Column> columns = Columns();
    std::erase_if(columns, [](const Column& column) { return !column.Says(); });
    const std::vector<std::string> names = Names();
    std::size_t name_width = 0;
    for (const std::string& name : names) {
      name_width = std::max(name_width, static_cast<std::size_t>(TextWidth(name)));
    }
    const auto width = static_cast<std::size_t>(std::max(options_.width, 1));
    for (std::size_t from = 0; from < columns.size();) {
      std::size_t used = name_width + kGap + columns[from].Width();
      std::size_t to = from + 1;
      while (to < columns.size() && used + kGap + columns[to].Width() <= width) {
        used += kGap + columns[to++].Width();
      }
      text += '\n';
      AddTable(text, names, name_width, std::span(columns).subspan(from, to - from));
      from = to;
    }
    return text;
  }

 private:
  std::string PerSecond(double count) const {
    return seconds_ > 0 ? flow::Rate(count / seconds_) : "0";
  }

  // What became of all rows, in words; how fast it went is of this session alone.
  std::string Whole() const {
    const std::string_view dot = options_.unicode ? " · " : ", ";
    const bool resumed = stats_.sessions > 1;
    std::string text = StrCat(flow::Counted(stats_.rows_done, "row", "rows"), " in ",
                              flow::Latency(time_), resumed ? " of " : "",
                              resumed ? flow::Counted(stats_.sessions, "session", "sessions") : "",
                              ": ", Grouped(stats_.rows_ok), " ok, ");
    const std::string failed = StrCat(Grouped(stats_.rows_failed), " failed");
    text += stats_.rows_failed > 0 ? Coloured(failed, kRed) : failed;
    if (resumed) {
      StrAppend(text, "\nthis session: ", flow::Counted(stats_.session.rows, "row", "rows"), " in ",
                flow::Latency(time_ - stats_.earlier));
    }
    StrAppend(text, dot, PerSecond(static_cast<double>(stats_.session.rows)), " rows/s");
    if (stats_.session.completion_tokens > 0) {
      StrAppend(text, dot, PerSecond(static_cast<double>(stats_.session.completion_tokens)),
                " tokens/s");
    }
    text += '\n';
    if (stats_.rows_waiting > 0) {
      StrAppend(text,
                flow::Counted(stats_.rows_waiting, "row more has ended", "rows more have ended"),
                " behind row ", Grouped(stats_.rows_done + 1),
                ", which has not; a resume takes their answers over\n");
    }
    if (stats_.rows_skipped > 0) {
      StrAppend(text, flow::Counted(stats_.rows_skipped, "row was", "rows were"),
                " skipped: no tokens were left for them\n");
    }
    if (stats_.rows_before > 0) {
      StrAppend(text, Grouped(stats_.rows_before),
                stats_.rows_before == 1 ? " row was" : " rows were",
                " done before; what nodes had answered then is in column reused\n");
    }
    if (sum_.prompt_tokens > 0) StrAppend(text, PrefixCache(), "\n");
    return text;
  }

  std::string PrefixCache() const {
    const std::optional<double> rate = stats_.CacheHitRate();
    if (!rate) return "prefix cache: unknown, no server said what it had of the prompts";
    return StrCat("prefix cache: the servers had ", flow::Percent(*rate), " of the prompts",
                  sum_.CacheHitRate() ? "" : ", as their own counters say");
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const flow::GraphNode* node : graph_.all()) {
      names.push_back(CutTo(node->node->id, kMostName, options_.unicode));
    }
    names.emplace_back("all");
    return names;
  }

  // A cell for each node; `all` for the last row.
  template <class Cell>
  Column Make(std::string_view head, const Cell& cell, bool with_all = true) const {
    Column column{.head = std::string(head)};
    for (const flow::GraphNode* node : graph_.all()) {
      column.cells.push_back(cell(stats_.nodes[node->index], node->step() != nullptr));
    }
    column.cells.push_back(with_all ? cell(sum_, true) : "");
    return column;
  }

  Column Counts(std::string_view head, std::uint64_t NodeStats::* member) const {
    return Make(head, [&](const NodeStats& node, bool /*asks*/) {
      return node.*member == 0 ? "" : Grouped(node.*member);
    });
  }

  std::string AtLeast(std::string_view known) const {
    return StrCat(options_.unicode ? "≥ " : ">= ", known);
  }

  Column Tokens(std::string_view head, std::int64_t NodeStats::* member) const {
    return Make(head, [&](const NodeStats& node, bool asks) -> std::string {
      const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(node.*member, 0));
      if (!asks || (count == 0 && !node.tokens_unknown)) return "";
      if (!node.tokens_unknown) return Grouped(count);
      return count == 0 ? "unknown" : AtLeast(Grouped(count));
    });
  }

  Column Quantiles(std::string_view head, double part) const {
    // Those of all nodes together say nothing about any of them.
    return Make(
        head,
        [&](const NodeStats& node, bool /*asks*/) {
          return node.latencies.count() == 0 ? "" : flow::Latency(node.latencies.Quantile(part));
        },
        false);
  }

  Column Costs() const {
    const std::string head =
        stats_.currency.empty() ? "cost" : StrCat("cost (", stats_.currency, ")");
    return Make(head, [&](const NodeStats& node, bool asks) -> std::string {
      if (sum_.cost == 0) return "";  // nobody has a price: the column would say nothing
      if (!asks || (node.cost == 0 && !node.cost_unknown)) return "";
      if (!node.cost_unknown) return FormatCost(node.cost);
      return node.cost == 0 ? "unknown" : AtLeast(FormatCost(node.cost));
    });
  }

  Column Agents(std::string_view head, std::uint64_t flow::AgentStats::* member) const {
    return Make(head, [member](const NodeStats& node, bool /*asks*/) -> std::string {
      return node.agents.*member == 0 ? "" : Grouped(node.agents.*member);
    });
  }

  Column Confidences(std::string_view head, double (*of)(const NodeStats& node)) const {
    return Make(head, [of](const NodeStats& node, bool /*asks*/) -> std::string {
      return node.sure_count == 0 ? "" : StrCat(std::round(of(node) * 100) / 100);
    });
  }

  std::vector<Column> Columns() const {
    std::vector<Column> columns;
    // Of all nodes only what is of calls can be added up; a row passes several of them.
    columns.push_back(WithoutAll(Counts("ok", &NodeStats::ok)));
    columns.push_back(WithoutAll(Counts("failed", &NodeStats::failed)));
    columns.back().alarm = true;
    columns.push_back(WithoutAll(Counts("dropped", &NodeStats::dropped)));
    columns.push_back(WithoutAll(Counts("skipped", &NodeStats::skipped)));
    columns.push_back(WithoutAll(Counts("reused", &NodeStats::reused)));
    columns.push_back(Tokens("tokens in", &NodeStats::prompt_tokens));
    columns.push_back(Tokens("cached", &NodeStats::cached_tokens));
    columns.push_back(Tokens("tokens out", &NodeStats::completion_tokens));
    columns.push_back(Quantiles("p50", 0.5));
    columns.push_back(Quantiles("p95", 0.95));
    columns.push_back(Costs());
    columns.push_back(Agents("turns", &flow::AgentStats::turns));
    columns.push_back(Agents("tool calls", &flow::AgentStats::tool_calls));
    columns.push_back(Agents("tool errors", &flow::AgentStats::tool_errors));
    columns.push_back(Agents("denied", &flow::AgentStats::denied));
    columns.push_back(Agents("interrupted", &flow::AgentStats::interrupted));
    columns.push_back(Counts("retries", &NodeStats::retries));
    columns.push_back(Counts("fallbacks", &NodeStats::fallbacks));
    columns.push_back(Counts("repaired", &NodeStats::repaired));
    columns.push_back(Confidences("sure", [](const NodeStats& node) {
      return node.sure_sum / static_cast<double>(node.sure_count);
    }));
    columns.push_back(
        Confidences("least sure", [](const NodeStats& node) { return node.sure_least; }));
    return columns;
  }

  static Column WithoutAll(Column column) {
    column.cells.back().clear();
    return column;
  }

  void AddTable(std::string& text, const std::vector<std::string>& names, std::size_t name_width,
                std::span<const Column> columns) const {
    const auto line = [&](std::string_view name, std::string_view colour, const auto& cell) {
      std::string row(name);
      std::size_t blanks = name_width - static_cast<std::size_t>(TextWidth(name));
      for (const Column& column : columns) {
        const std::string_view content = cell(column);
        blanks += kGap + column.Width() - static_cast<std::size_t>(TextWidth(content));
        if (content.empty()) {
          // Nothing follows at the end of a row, not even blanks.
          continue;
        }
        row.append(std::exchange(blanks, 0), ' ');
        row += column.alarm && colour.empty() ? Coloured(content, kRed) : std::string(content);
      }
      StrAppend(text, Coloured(row, colour), "\n");
    };
    line("node", kBold, [](const Column& column) { return std::string_view(column.head); });
    const bool all = std::ranges::any_of(
        columns, [](const Column& column) { return !column.cells.back().empty(); });
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (i + 1 == names.size() && !all) break;
      line(names[i], {}, [i](const Column& column) { return std::string_view(column.cells[i]); });
    }
  }

  std::string Coloured(std::string_view text, std::string_view colour) const {
    if (!options_.colour || colour.empty()) return std::string(text);
    return StrCat(colour, text, kPlain);
  }

  const flow::Graph& graph_;
  const flow::RunStats& stats_;
  const SummaryOptions& options_;
  const double seconds_;  // that this process took
  const Duration time_;   // with what it took before
  const NodeStats sum_;
};

}  // namespace

std::vector<std::string> FailureLines(const flow::RunStats& stats) {
  constexpr std::size_t kMostLines = 3;
  constexpr int kMostMessage = 240;
  std::vector<std::pair<std::uint64_t, std::string>> kinds;
  kinds.reserve(stats.errors.size());
  for (const auto& [name, count] : stats.errors) kinds.emplace_back(count, name);
  std::ranges::sort(kinds, std::greater());
  std::vector<std::string> lines;
  for (const auto& [count, name] : kinds) {
    if (lines.size() == kMostLines) break;
    std::string& line = lines.emplace_back(StrCat(Grouped(count), " x ", name));
    const auto example = stats.examples.find(name);
    if (example == stats.examples.end()) continue;
    StrAppend(line, "; row ", OneLine(example->second.row_id), ", ", example->second.node, ": ",
              CutTo(OneLine(example->second.message), kMostMessage, false));
  }
  if (kinds.size() > kMostLines) {
    lines.push_back(
        StrCat("and ", flow::Counted(kinds.size() - kMostLines, "other kind", "other kinds")));
  }
  return lines;
}

std::string RunSummary(const flow::Graph& graph, const flow::RunStats& stats, TimePoint now,
                       const SummaryOptions& options) {
  return SummaryText(graph, stats, now, options).Text();
}

}  // namespace weir::cli
