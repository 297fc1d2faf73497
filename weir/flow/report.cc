#include "weir/flow/report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include "weir/base/redact.h"
#include "weir/flow/charts.h"
#include "weir/flow/figures.h"
#include "weir/flow/graph_picture.h"
#include "weir/flow/html.h"
#include "weir/flow/report_style.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

constexpr std::size_t kMostCharts = 24;  // latencies of so many nodes
constexpr std::size_t kMostBars = 40;    // nodes or errors in one chart
constexpr std::size_t kMostSettings = 200;
constexpr std::size_t kMostText = 600;  // bytes of one setting
constexpr std::size_t kPoints = 80;     // of a line

std::string Shown(std::string_view text) { return Escaped(Truncate(Redact(text), kMostText)); }

std::uint64_t Count(std::int64_t count) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
}

std::string Number(double number) { return StrCat(std::round(number * 1e6) / 1e6); }

std::string CostOf(const NodeStats& node) {
  if (!node.cost_unknown) return Number(node.cost);
  return node.cost == 0 ? "unknown" : StrCat("at least ", Number(node.cost));
}

std::string TokensOf(const NodeStats& node, std::int64_t NodeStats::* member) {
  std::string count = Grouped(Count(node.*member));
  if (!node.tokens_unknown) return count;
  return node.*member == 0 ? "unknown" : StrCat("at least ", count);
}

// A list of settings out of a document: each leaf with the names that lead to it.
class Settings {
 public:
  void Add(const std::string& name, json::View value) {
    if (rows_.size() >= kMostSettings) return;
    if (value.IsObject() && !value.empty() && depth_ < kDeepest) {
      ++depth_;
      for (const json::Member& member : value.members()) {
        Add(name.empty() ? std::string(member.key) : StrCat(name, ".", member.key), member.value);
      }
      --depth_;
      return;
    }
    rows_.emplace_back(name, Redacted(name, value));
  }
  const std::vector<std::pair<std::string, std::string>>& rows() const { return rows_; }

 private:
  static constexpr int kDeepest = 6;

  static std::string Redacted(std::string_view name, json::View value) {
    const std::string text =
        value.IsString() ? std::string(value.StringOr("")) : json::Write(value);
    const std::size_t dot = name.rfind('.');
    return IsSecretName(dot == name.npos ? name : name.substr(dot + 1)) ? RedactValue(text) : text;
  }

  int depth_ = 0;
  std::vector<std::pair<std::string, std::string>> rows_;
};

class Report {
 public:
  Report(const Graph& graph, const ReportInput& input)
      : graph_(graph), input_(input), stats_(graph) {
    stats_.currency = input.totals.Find("currency").StringOr("");
    stats_.Restore(input.totals);
    sum_ = stats_.Sum();
  }

  std::string Html() {
    const std::string& name = graph_.flow().name;
    StrAppend(out_, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
              "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
              "style-src 'unsafe-inline'\">\n<title>",
              Escaped(name), " - run report</title>\n<style>\n", kReportStyle,
              "</style>\n</head>\n<body>\n<main>\n<h1>", Escaped(name), "</h1>\n");
    if (!graph_.flow().description.empty()) {
      StrAppend(out_, "<p>", Shown(graph_.flow().description), "</p>\n");
    }
    AddFigures();
    AddTimeline();
    Section("Graph");
    Scrolled("The graph", GraphPicture(graph_, stats_));
    AddNodes();
    AddLatencies();
    AddTokens();
    AddErrors();
    AddEngines();
    AddSettings();
    out_ += "</main>\n</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  void Section(std::string_view title) { StrAppend(out_, "<h2>", Escaped(title), "</h2>\n"); }

  // What may be wider than the window scrolls by itself, by keyboard too.
  void Scrolled(std::string_view label, std::string_view html) {
    StrAppend(out_, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"",
              Escaped(label), "\">\n", html, "</div>\n");
  }

  void Figure(std::string_view name, std::string_view value, std::string_view style = {}) {
    StrAppend(out_, "<div class=\"figure ", style, "\"><dt>", Escaped(name), "</dt><dd>",
              Escaped(value), "</dd></div>\n");
  }

  std::string CostName() const {
    return stats_.currency.empty() ? "cost" : StrCat("cost (", stats_.currency, ")");
  }

  void AddFigures() {
    out_ += "<dl class=\"figures\">\n";
    Figure("rows", Grouped(stats_.rows_done));
    Figure("ok", Grouped(stats_.rows_ok));
    Figure("failed", Grouped(stats_.rows_failed), stats_.rows_failed > 0 ? "bad" : "");
    const std::uint64_t before = input_.totals.Find("rows").Find("before").AsUint64().value_or(0);
    if (before > 0) Figure("done before resuming", Grouped(before));
    const std::uint64_t skipped = input_.totals.Find("rows").Find("skipped").AsUint64().value_or(0);
    if (skipped > 0) Figure("skipped", Grouped(skipped));
    Figure("time", Latency(stats_.earlier));
    Figure("tokens in", TokensOf(sum_, &NodeStats::prompt_tokens));
    Figure("tokens out", TokensOf(sum_, &NodeStats::completion_tokens));
    Figure(CostName(), CostOf(sum_));
    Figure("prefix cache hits",
           input_.cache_hit_rate ? Percent(*input_.cache_hit_rate) : "unknown");
    AddSession();
    out_ += "</dl>\n";
  }

  // How fast it went, which only this session can tell.
  void AddSession() {
    const json::View session = input_.totals.Find("session");
    const bool resumed = stats_.sessions > 1;
    const std::string_view of_it = resumed ? ", this session" : "";
    const auto number = [&](std::string_view key) { return session.Find(key).AsDouble(); };
    if (resumed) {
      Figure("sessions", Grouped(stats_.sessions));
      Figure("rows, this session", Grouped(session.Find("rows").AsUint64().value_or(0)));
      const auto millis = static_cast<std::int64_t>(number("seconds").value_or(0) * 1000);
      Figure("time, this session", Latency(std::chrono::milliseconds(millis)));
    }
    if (const auto rate = number("rows_per_second")) Figure(StrCat("rows/s", of_it), Rate(*rate));
    if (const auto rate = number("tokens_per_second")) {
      Figure(StrCat("tokens out/s", of_it), Rate(*rate));
    }
  }

  void Chart(std::string_view title, std::string_view svg, std::string_view caption = {}) {
    StrAppend(out_, "<figure><figcaption>", Escaped(title), caption, "</figcaption>\n", svg,
              "</figure>\n");
  }

  static std::string Key(std::string_view colour, std::string_view name) {
    return StrCat(
        "<span class=\"key\"><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"",
        colour, "\" width=\"10\" height=\"10\"/></svg>", Escaped(name), "</span>");
  }

  void AddTimeline() {
    if (input_.timeline.size() < 2) return;
    Section(stats_.sessions > 1 ? "Over time, this session" : "Over time");
    out_ += "<div class=\"charts\">\n";
    std::vector<double> seconds;
    ChartLine done{.name = "done", .colour = "c0"};
    ChartLine failed{.name = "failed", .colour = "bad"};
    for (const ReportPoint& point : input_.timeline) {
      seconds.push_back(point.seconds);
      done.values.push_back(static_cast<double>(point.rows_done));
      failed.values.push_back(static_cast<double>(point.rows_failed));
    }
    Chart("Rows", LineChart("Rows over time", seconds, {done, failed}),
          Key("c0", "done") + Key("bad", "failed"));
    AddTokenRate();
    out_ += "</div>\n";
  }

  // Between points that are far enough apart for a line that can be read.
  void AddTokenRate() {
    std::vector<double> seconds;
    ChartLine written{.name = "tokens out/s", .colour = "c1"};
    const std::vector<ReportPoint>& points = input_.timeline;
    const double apart = (points.back().seconds - points.front().seconds) / kPoints;
    const ReportPoint* from = &points.front();
    for (const ReportPoint& point : points) {
      const double time = point.seconds - from->seconds;
      if (time <= 0 || time < apart) continue;
      const auto tokens = static_cast<double>(point.completion_tokens - from->completion_tokens);
      seconds.push_back(point.seconds);
      written.values.push_back(std::max(tokens, 0.0) / time);
      from = &point;
    }
    if (seconds.size() < 2) return;
    Chart("Tokens written per second", LineChart("Tokens per second", seconds, {written}));
  }

  static std::string NotZero(std::uint64_t count) { return count == 0 ? "" : Grouped(count); }

  // A column of the table: its head, and what stands in it for a node.
  struct Column {
    std::string_view head;
    std::string (Report::*cell)(const GraphNode& node, const NodeStats& stats) const;
    std::string_view style;  // a class
  };

  std::string Kind(const GraphNode& node, const NodeStats& /*stats*/) const {
    return std::string(KindOf(node));
  }
  std::string Engine(const GraphNode& node, const NodeStats& /*stats*/) const {
    return EngineOf(graph_, node);
  }
  std::string Ok(const GraphNode& /*node*/, const NodeStats& stats) const {
    return Grouped(stats.ok);
  }
  template <std::uint64_t NodeStats::* kMember>
  std::string Counted(const GraphNode& /*node*/, const NodeStats& stats) const {
    return NotZero(stats.*kMember);
  }
  std::string Reused(const GraphNode& node, const NodeStats& /*stats*/) const {
    const json::View json = input_.totals.Find("nodes").Find(node.node->id);
    return NotZero(json.Find("reused").AsUint64().value_or(0));
  }
  template <std::int64_t NodeStats::* kMember>
  std::string Tokens(const GraphNode& node, const NodeStats& stats) const {
    return node.step() != nullptr ? TokensOf(stats, kMember) : "";
  }
  std::string Cached(const GraphNode& /*node*/, const NodeStats& stats) const {
    return NotZero(Count(stats.cached_tokens));
  }
  template <int kPercent>
  std::string Within(const GraphNode& /*node*/, const NodeStats& stats) const {
    return stats.latencies.count() == 0 ? "" : Latency(stats.latencies.Quantile(kPercent / 100.0));
  }
  std::string Cost(const GraphNode& node, const NodeStats& stats) const {
    return node.step() != nullptr ? CostOf(stats) : "";
  }
  template <std::uint64_t AgentStats::* kMember>
  std::string OfAgents(const GraphNode& /*node*/, const NodeStats& stats) const {
    return NotZero(stats.agents.*kMember);
  }
  std::string ToolSuccess(const GraphNode& /*node*/, const NodeStats& stats) const {
    const std::optional<double> success = stats.agents.ToolSuccess();
    return success ? StrCat(std::round(*success * 1000) / 10, " %") : "";
  }
  std::string Sure(const GraphNode& /*node*/, const NodeStats& stats) const {
    if (stats.sure_count == 0) return "";
    return Hundredths(stats.sure_sum / static_cast<double>(stats.sure_count));
  }
  std::string LeastSure(const GraphNode& /*node*/, const NodeStats& stats) const {
    return stats.sure_count == 0 ? "" : Hundredths(stats.sure_least);
  }
  std::string TenthSure(const GraphNode& /*node*/, const NodeStats& stats) const {
    return stats.sure.count() == 0 ? "" : Hundredths(stats.sure.Quantile(0.1));
  }
  static std::string Hundredths(double number) { return StrCat(std::round(number * 100) / 100); }

  // Columns in which nothing stands are left out.
  void AddNodes() {
    static constexpr Column kColumns[] = {
        {"kind", &Report::Kind, "word"},
        {"engine", &Report::Engine, "word"},
        {"ok", &Report::Ok, ""},
        {"failed", &Report::Counted<&NodeStats::failed>, "bad"},
        {"dropped", &Report::Counted<&NodeStats::dropped>, ""},
        {"skipped", &Report::Counted<&NodeStats::skipped>, ""},
        {"reused", &Report::Reused, ""},
        {"tokens in", &Report::Tokens<&NodeStats::prompt_tokens>, ""},
        {"cached", &Report::Cached, ""},
        {"tokens out", &Report::Tokens<&NodeStats::completion_tokens>, ""},
        {"p50", &Report::Within<50>, ""},
        {"p95", &Report::Within<95>, ""},
        {"cost", &Report::Cost, ""},
        {"turns", &Report::OfAgents<&AgentStats::turns>, ""},
        {"tool calls", &Report::OfAgents<&AgentStats::tool_calls>, ""},
        {"tool success", &Report::ToolSuccess, ""},
        {"denied", &Report::OfAgents<&AgentStats::denied>, "bad"},
        {"interrupted", &Report::OfAgents<&AgentStats::interrupted>, "bad"},
        {"summed up", &Report::OfAgents<&AgentStats::compactions>, ""},
        {"retries", &Report::Counted<&NodeStats::retries>, ""},
        {"fallbacks", &Report::Counted<&NodeStats::fallbacks>, ""},
        {"repaired", &Report::Counted<&NodeStats::repaired>, ""},
        {"sure", &Report::Sure, ""},
        {"sure p10", &Report::TenthSure, ""},
        {"least sure", &Report::LeastSure, ""}};
    const auto cell = [this](const Column& column, const GraphNode& node) {
      return (this->*column.cell)(node, stats_.nodes[node.index]);
    };
    std::vector<Column> columns;
    std::ranges::copy_if(kColumns, std::back_inserter(columns), [&](const Column& column) {
      return std::ranges::any_of(
          graph_.all(), [&](const GraphNode* node) { return !cell(column, *node).empty(); });
    });
    std::string table = "<table>\n<thead><tr><th scope=\"col\" class=\"word\">node</th>";
    for (const Column& column : columns) {
      StrAppend(table, "<th scope=\"col\" class=\"", column.style == "word" ? "word" : "", "\">",
                column.head == "cost" ? Escaped(CostName()) : std::string(column.head), "</th>");
    }
    table += "</tr></thead>\n<tbody>\n";
    for (const GraphNode* node : graph_.all()) {
      StrAppend(table, "<tr><th scope=\"row\">", Escaped(node->node->id), "</th>");
      for (const Column& column : columns) {
        StrAppend(table, "<td class=\"", column.style, "\">", Escaped(cell(column, *node)),
                  "</td>");
      }
      table += "</tr>\n";
    }
    table += "</tbody>\n</table>\n";
    Section("Nodes");
    Scrolled("Figures of each node", table);
  }

  void AddLatencies() {
    std::string charts;
    std::swap(charts, out_);
    std::size_t shown = 0;
    std::size_t left_out = 0;
    for (const GraphNode* node : graph_.all()) {
      std::vector<TimeCount> counts;
      const json::View json = input_.totals.Find("nodes").Find(node->node->id);
      for (const json::View item : json.Find("latencies_ms").items()) {
        const double millis = item[0].AsDouble().value_or(0);
        const double count = item[1].AsDouble().value_or(0);
        if (millis > 0 && count > 0) counts.push_back({millis, count});
      }
      if (counts.empty()) continue;
      if (shown++ >= kMostCharts) {
        ++left_out;
        continue;
      }
      const Latencies& latencies = stats_.nodes[node->index].latencies;
      Chart(node->node->id, Histogram(StrCat("Latencies of ", node->node->id), counts),
            StrCat("<span class=\"note\">p50 ", Latency(latencies.Quantile(0.5)), ", p95 ",
                   Latency(latencies.Quantile(0.95)), "</span>"));
    }
    std::swap(charts, out_);
    if (shown == 0) return;
    Section("Latencies of calls, with their retries");
    StrAppend(out_, "<div class=\"charts\">\n", charts, "</div>\n");
    if (left_out > 0) StrAppend(out_, "<p>", left_out, " more nodes are in the table.</p>\n");
  }

  void AddTokens() {
    std::vector<ChartBar> bars;
    for (const GraphNode* node : graph_.all()) {
      const NodeStats& stats = stats_.nodes[node->index];
      const std::int64_t cached = std::min(stats.cached_tokens, stats.prompt_tokens);
      if (stats.prompt_tokens + stats.completion_tokens == 0) continue;
      bars.push_back({.name = node->node->id,
                      .figure = StrCat(Grouped(Count(stats.prompt_tokens)), " + ",
                                       Grouped(Count(stats.completion_tokens))),
                      .values = {static_cast<double>(cached),
                                 static_cast<double>(stats.prompt_tokens - cached),
                                 static_cast<double>(stats.completion_tokens)}});
    }
    if (bars.empty()) return;
    Section("Tokens");
    out_ += "<div class=\"charts\">\n";
    Bars("Tokens of each node", std::move(bars), {"c2", "c0", "c1"},
         Key("c2", "in, cached") + Key("c0", "in") + Key("c1", "out"));
    out_ += "</div>\n";
  }

  void Bars(std::string_view title, std::vector<ChartBar> bars,
            const std::vector<std::string>& colours, std::string_view caption) {
    const std::size_t all = bars.size();
    if (all > kMostBars) bars.resize(kMostBars);
    std::string chart = BarChart(title, bars, colours);
    if (all > kMostBars) StrAppend(chart, "<p>and ", all - kMostBars, " more</p>\n");
    Chart(title, chart, caption);
  }

  void AddErrors() {
    if (input_.errors.empty()) return;
    std::vector<ChartBar> bars;
    bars.reserve(input_.errors.size());
    for (const auto& [name, count] : input_.errors) {
      bars.push_back(
          {.name = name, .figure = Grouped(count), .values = {static_cast<double>(count)}});
    }
    std::ranges::sort(bars, [](const ChartBar& a, const ChartBar& b) {
      return a.values[0] != b.values[0] ? a.values[0] > b.values[0] : a.name < b.name;
    });
    Section("Errors");
    out_ += "<div class=\"charts\">\n";
    Bars("Failed rows by error", std::move(bars), {"bad"}, {});
    out_ += "</div>\n";
  }

  void AddPairs(std::string_view label, std::string_view left, std::string_view right,
                const std::vector<std::pair<std::string, std::string>>& rows) {
    std::string table = StrCat("<table class=\"pairs\">\n<thead><tr><th scope=\"col\">", left,
                               "</th><th scope=\"col\">", right, "</th></tr></thead>\n<tbody>\n");
    for (const auto& [name, value] : rows) {
      StrAppend(table, "<tr><th scope=\"row\">", Shown(name), "</th><td>", Shown(value),
                "</td></tr>\n");
    }
    table += "</tbody>\n</table>\n";
    Scrolled(label, table);
  }

  void AddEngines() {
    if (input_.engines.empty()) return;
    Section("Engines");
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& [name, engine] : input_.engines) {
      std::string what = engine.managed ? "started and stopped by weir" : "was there";
      if (!engine.note.empty()) StrAppend(what, ": ", engine.note);
      rows.emplace_back(name.empty() ? "(default)" : name, what);
    }
    AddPairs("Engines of the run", "engine", "what it was", rows);
  }

  void AddSettings() {
    Settings settings;
    for (const json::Member& member : input_.run.members()) {
      // The figures stand above.
      if (member.value.Find("nodes").IsObject()) continue;
      settings.Add(std::string(member.key), member.value);
    }
    if (settings.rows().empty()) return;
    Section("Settings");
    AddPairs("Settings of the run", "setting", "value", settings.rows());
  }

  const Graph& graph_;
  const ReportInput& input_;
  RunStats stats_;
  NodeStats sum_;
  std::string out_;
};

}  // namespace

std::string HtmlReport(const Graph& graph, const ReportInput& input) {
  return Report(graph, input).Html();
}

}  // namespace weir::flow
