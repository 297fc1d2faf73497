#include "weir/cli/run_rates.h"

#include <algorithm>
#include <chrono>

namespace weir::cli {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Duration kApart = std::chrono::milliseconds(500);
// With fewer rows than this in the window, the time that is left is taken from the whole run.
constexpr std::uint64_t kFewRows = 10;

double Change(std::uint64_t from, std::uint64_t to) {
  return to > from ? static_cast<double>(to - from) : 0;
}

double Change(std::int64_t from, std::int64_t to) {
  return to > from ? static_cast<double>(to - from) : 0;
}

// Rows of this pass that have not ended; unset when nobody can tell.
std::optional<double> RowsLeft(const flow::RunStats& stats) {
  if (stats.rows_total) return Change(stats.RowsEnded(), *stats.rows_total);
  if (!stats.part_read || *stats.part_read <= 0) return std::nullopt;
  const double all = static_cast<double>(stats.rows_read) / std::min(*stats.part_read, 1.0);
  return std::max(0.0, all - static_cast<double>(stats.RowsEnded()));
}

}  // namespace

std::uint64_t RowsThrough(const flow::NodeStats& node) {
  return node.ok + node.dropped + node.failed + node.skipped;
}

void Rates::Sample(const flow::RunStats& stats, TimePoint now) {
  // What a resume takes over takes no time: it would make the rest look as fast.
  const std::uint64_t ended = stats.RowsEnded();
  const std::uint64_t rows = ended - std::min(stats.rows_replayed, ended);
  // A pass that begins anew counts from zero.
  if (!looks_.empty() && rows < looks_.back().rows) looks_.clear();
  const bool replaces =
      looks_.size() > 1 && looks_.back().at - looks_[looks_.size() - 2].at < kApart;
  if (!replaces) looks_.emplace_back();
  Look& look = looks_.back();
  look = {.at = now, .rows = rows};
  look.nodes.reserve(stats.nodes.size());
  for (const flow::NodeStats& node : stats.nodes) {
    const std::int64_t tokens = node.completion_tokens - node.reused_tokens;
    const std::uint64_t through = RowsThrough(node);
    look.nodes.push_back({.rows = through - std::min(node.reused, through), .tokens = tokens});
    look.tokens += tokens;
  }
  while (looks_.size() > 2 && now - looks_[1].at >= kRateWindow) looks_.pop_front();
}

double Rates::PerSecond(double change) const {
  const Duration time = looks_.back().at - looks_.front().at;
  return time < kApart ? 0 : change / Seconds(time).count();
}

double Rates::rows() const {
  if (looks_.empty()) return 0;
  return PerSecond(Change(looks_.front().rows, looks_.back().rows));
}

double Rates::tokens() const {
  if (looks_.empty()) return 0;
  return PerSecond(Change(looks_.front().tokens, looks_.back().tokens));
}

double Rates::node_rows(std::size_t node) const {
  if (looks_.empty() || node >= looks_.front().nodes.size()) return 0;
  return PerSecond(Change(looks_.front().nodes[node].rows, looks_.back().nodes[node].rows));
}

double Rates::node_tokens(std::size_t node) const {
  if (looks_.empty() || node >= looks_.front().nodes.size()) return 0;
  return PerSecond(Change(looks_.front().nodes[node].tokens, looks_.back().nodes[node].tokens));
}

std::optional<Duration> Rates::Left(const flow::RunStats& stats, TimePoint now) const {
  const std::optional<double> left = RowsLeft(stats);
  if (!left || looks_.empty()) return std::nullopt;
  double rate = rows();
  if (looks_.back().rows - looks_.front().rows < kFewRows) {
    const double time = Seconds(now - stats.started).count();
    rate =
        time <= 0 ? 0 : Change(stats.rows_before + stats.rows_replayed, stats.RowsEnded()) / time;
  }
  constexpr double kMostSeconds = 1e8;
  if (*left > 0 && rate * kMostSeconds < *left) return std::nullopt;
  return std::chrono::duration_cast<Duration>(Seconds(*left > 0 ? *left / rate : 0));
}

}  // namespace weir::cli
