#include "weir/flow/stats.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using Millis = std::chrono::duration<double, std::milli>;
using Seconds = std::chrono::duration<double>;

constexpr double kStep = 1.05;

std::size_t BucketOf(double millis, std::size_t buckets) {
  if (!(millis > 1)) return 0;
  const double place = std::floor(std::log(millis) / std::log(kStep));
  return std::min(static_cast<std::size_t>(place), buckets - 1);
}

// The middle of a bucket, so that no time in it is further away than half its width.
double MillisOf(std::size_t bucket) { return std::pow(kStep, static_cast<double>(bucket) + 0.5); }

struct Counter {
  std::string_view key;
  std::uint64_t NodeStats::* member;
};
constexpr Counter kCounters[] = {
    {"ok", &NodeStats::ok},
    {"dropped", &NodeStats::dropped},
    {"failed", &NodeStats::failed},
    {"skipped", &NodeStats::skipped},
    {"reused", &NodeStats::reused},
    {"retries", &NodeStats::retries},
    {"fallbacks", &NodeStats::fallbacks},
    {"repaired", &NodeStats::repaired},
};

struct TokenCounter {
  std::string_view key;
  std::int64_t NodeStats::* member;
};
constexpr TokenCounter kTokens[] = {
    {"prompt_tokens", &NodeStats::prompt_tokens},
    {"completion_tokens", &NodeStats::completion_tokens},
    {"cached_tokens", &NodeStats::cached_tokens},
    {"cached_of", &NodeStats::cached_of},
};

void Uint(json::Writer& out, std::string_view key, std::uint64_t value) {
  out.Key(key);
  out.Uint(value);
}

void Double(json::Writer& out, std::string_view key, double value) {
  out.Key(key);
  out.Double(value);
}

void True(json::Writer& out, std::string_view key, bool value) {
  if (!value) return;
  out.Key(key);
  out.Bool(true);
}

double Rounded(double value, double steps) { return std::round(value * steps) / steps; }

std::uint64_t UintOf(json::View json, std::string_view key) {
  return json.Find(key).AsUint64().value_or(0);
}

// Counts of buckets that have any, beside what stands for each.
template <class Counts, class Of>
void WriteBuckets(json::Writer& out, std::string_view key, const Counts& counts, const Of& of) {
  out.Key(key);
  out.BeginArray();
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    out.BeginArray();
    out.Double(of(i));
    out.Uint(counts[i]);
    out.EndArray();
  }
  out.EndArray();
}

std::uint32_t BucketCount(json::View count) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(count.AsUint64().value_or(0), kMost));
}

// What only nodes that ask a model have.
void WriteAnswers(json::Writer& out, const NodeStats& node) {
  for (const TokenCounter& tokens : kTokens) {
    out.Key(tokens.key);
    out.Int(node.*tokens.member);
  }
  if (const auto rate = node.CacheHitRate()) Double(out, "cache_hit_rate", Rounded(*rate, 10'000));
  True(out, "tokens_unknown", node.tokens_unknown);
  if (node.cost_unknown && node.cost == 0) {
    out.Key("cost");
    out.Null();
  } else {
    Double(out, "cost", node.cost);
  }
  True(out, "cost_unknown", node.cost_unknown);
  if (!node.model.empty()) out.Field("model", node.model);
  if (!node.weights.empty()) out.Field("weights", node.weights);
  if (!node.dialect.empty()) out.Field("dialect", node.dialect);
  if (!node.server_version.empty()) out.Field("server_version", node.server_version);
  WriteAgents(out, node.agents);
}

void ReadAnswers(json::View json, NodeStats& node) {
  for (const TokenCounter& tokens : kTokens) {
    node.*tokens.member = json.Find(tokens.key).AsInt64().value_or(0);
  }
  node.tokens_unknown = json.Find("tokens_unknown").BoolOr(false);
  node.cost = json.Find("cost").AsDouble().value_or(0);
  node.cost_unknown = json.Find("cost_unknown").BoolOr(false);
  node.model = json.Find("model").StringOr("");
  node.weights = json.Find("weights").StringOr("");
  node.dialect = json.Find("dialect").StringOr("");
  node.server_version = json.Find("server_version").StringOr("");
  node.agents = ReadAgents(json.Find("agents"));
}

}  // namespace

void Latencies::Add(Duration time) {
  ++buckets_[BucketOf(Millis(time).count(), kBuckets)];
  ++count_;
}

void Shares::Add(double share) {
  const double hundredths = std::round(std::clamp(share, 0.0, 1.0) * (kBuckets - 1));
  ++buckets_[static_cast<std::size_t>(hundredths)];
  ++count_;
}

double Shares::Quantile(double q) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  double seen = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen > 0 && seen >= wanted) break;
  }
  return static_cast<double>(bucket) / (kBuckets - 1);
}

void NodeStats::AddSure(double confidence) {
  ++sure_count;
  sure_sum += confidence;
  sure_least = std::min(sure_least, confidence);
  sure.Add(confidence);
}

void NodeStats::AddTries(const model::ReplyInfo& info) {
  std::vector<std::string_view> engines;  // in the order in which they were asked first
  std::ptrdiff_t last = -1;
  const auto next = [&](std::string_view engine) {
    const std::ptrdiff_t place = std::ranges::find(engines, engine) - engines.begin();
    if (place == std::ssize(engines)) engines.push_back(engine);
    // From one to a later one is no retry; back to an earlier one is, with its fallbacks anew.
    if (last >= place) ++retries;
    last = place;
  };
  for (const model::Attempt& attempt : info.attempts) {
    next(attempt.engine.empty() ? info.engine : attempt.engine);
  }
  next(info.engine);
  const auto is_engine = [](const model::Degradation& one) { return one.what == "engine"; };
  if (std::ranges::any_of(info.degradations, is_engine)) ++fallbacks;
}

std::optional<double> NodeStats::CacheHitRate() const {
  if (cached_of <= 0) return std::nullopt;
  return std::clamp(static_cast<double>(cached_tokens) / static_cast<double>(cached_of), 0.0, 1.0);
}

Duration Latencies::Quantile(double q) const {
  if (count_ == 0) return {};
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  double seen = 0;
  std::size_t bucket = 0;
  for (; bucket + 1 < kBuckets; ++bucket) {
    seen += buckets_[bucket];
    if (seen > 0 && seen >= wanted) break;
  }
  return std::chrono::duration_cast<Duration>(Millis(MillisOf(bucket)));
}

void Contribution::AddTo(NodeStats& stats) const {
  stats.ok += ok;
  stats.dropped += dropped;
  stats.failed += failed;
  stats.skipped += skipped;
  stats.prompt_tokens += prompt_tokens;
  stats.completion_tokens += completion_tokens;
  stats.cached_tokens += cached_tokens;
  stats.cached_of += cached_of;
  stats.cost += cost;
  stats.tokens_unknown |= tokens_unknown;
  stats.cost_unknown |= cost_unknown;
  stats.agents.Add(agents);
  for (const double confidence : confidences) stats.AddSure(confidence);
}

RunStats::RunStats(const Graph& graph)
    : nodes(graph.all().size()), kept_(graph.all().size()), graph_(graph) {}

NodeStats RunStats::Sum() const {
  NodeStats sum;
  for (const NodeStats& node : nodes) {
    for (const Counter& counter : kCounters) sum.*counter.member += node.*counter.member;
    for (const TokenCounter& tokens : kTokens) sum.*tokens.member += node.*tokens.member;
    sum.in_flight += node.in_flight;
    sum.tokens_unknown |= node.tokens_unknown;
    sum.cost += node.cost;
    sum.cost_unknown |= node.cost_unknown;
    sum.latencies.count_ += node.latencies.count_;
    for (std::size_t i = 0; i < Latencies::kBuckets; ++i) {
      sum.latencies.buckets_[i] += node.latencies.buckets_[i];
    }
    sum.sure_count += node.sure_count;
    sum.sure_sum += node.sure_sum;
    sum.sure_least = std::min(sum.sure_least, node.sure_least);
    sum.agents.Add(node.agents);
    sum.sure.count_ += node.sure.count_;
    for (std::size_t i = 0; i < Shares::kBuckets; ++i) {
      sum.sure.buckets_[i] += node.sure.buckets_[i];
    }
  }
  return sum;
}

void RunStats::WriteSure(json::Writer& out, const NodeStats& node) {
  if (node.sure_count == 0) return;
  out.Key("confidence");
  out.BeginObject();
  Uint(out, "answers", node.sure_count);
  Double(out, "sum", node.sure_sum);
  Double(out, "mean", node.sure_sum / static_cast<double>(node.sure_count));
  Double(out, "least", node.sure_least);
  if (node.sure.count() > 0) {
    Double(out, "p10", node.sure.Quantile(0.1));
    WriteBuckets(out, "shares", node.sure.buckets_,
                 [](std::size_t i) { return static_cast<double>(i) / (Shares::kBuckets - 1); });
  }
  out.EndObject();
}

void RunStats::ReadSure(json::View json, NodeStats& node) {
  node.sure_count = UintOf(json, "answers");
  node.sure_sum = json.Find("sum").AsDouble().value_or(0);
  node.sure_least = json.Find("least").AsDouble().value_or(1);
  for (const json::View item : json.Find("shares").items()) {
    const double share = std::clamp(item[0].AsDouble().value_or(0), 0.0, 1.0);
    const std::uint32_t count = BucketCount(item[1]);
    node.sure.buckets_[static_cast<std::size_t>(std::round(share * (Shares::kBuckets - 1)))] +=
        count;
    node.sure.count_ += count;
  }
}

std::optional<double> RunStats::HitRateOf(const NodeStats& sum) const {
  if (const auto rate = sum.CacheHitRate()) return rate;
  if (!server_prefixes || !(server_prefixes->looked_up > 0)) return std::nullopt;
  return std::clamp(server_prefixes->found / server_prefixes->looked_up, 0.0, 1.0);
}

std::optional<double> RunStats::CacheHitRate() const { return HitRateOf(Sum()); }

std::string RunStats::Json(TimePoint now) const { return Json(now, nodes); }

std::string RunStats::KeptJson(TimePoint now) const {
  std::vector<NodeStats> counted = nodes;
  for (std::size_t i = 0; i < counted.size(); ++i) {
    const NodeStats& kept = kept_[i];
    for (const Counter& counter : {kCounters[0], kCounters[1], kCounters[2], kCounters[3]}) {
      counted[i].*counter.member = kept.*counter.member;
    }
    for (const TokenCounter& tokens : kTokens) {
      counted[i].*tokens.member = kept.*tokens.member;
    }
    counted[i].tokens_unknown = kept.tokens_unknown;
    counted[i].cost = kept.cost;
    counted[i].cost_unknown = kept.cost_unknown;
    counted[i].agents = kept.agents;
    counted[i].sure_count = kept.sure_count;
    counted[i].sure_sum = kept.sure_sum;
    counted[i].sure_least = kept.sure_least;
    counted[i].sure = kept.sure;
  }
  return Json(now, counted);
}

void RunStats::AddFailure(const Error& error, std::string_view row_id, std::string_view node) {
  const std::string name(Name(error));
  ++errors[name];
  if (examples.contains(name)) return;
  examples.emplace(name, FailedRow{.row_id = std::string(row_id),
                                   .node = std::string(node),
                                   .message = error.message});
}

void RunStats::WriteSession(json::Writer& out, double seconds) const {
  out.Key("session");
  out.BeginObject();
  Double(out, "seconds", Rounded(seconds, 1000));
  Uint(out, "rows", session.rows);
  Uint(out, "calls", session.calls);
  out.Key("prompt_tokens");
  out.Int(session.prompt_tokens);
  out.Key("completion_tokens");
  out.Int(session.completion_tokens);
  if (seconds > 0) {
    Double(out, "rows_per_second", Rounded(static_cast<double>(session.rows) / seconds, 100));
    Double(out, "tokens_per_second",
           Rounded(static_cast<double>(session.completion_tokens) / seconds, 100));
  }
  out.EndObject();
}

std::string RunStats::Json(TimePoint now, const std::vector<NodeStats>& counted) const {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  const Duration time = std::max(now - started, Duration{});
  Double(out, "seconds", Rounded(Seconds(earlier + time).count(), 1000));
  Uint(out, "sessions", sessions);
  WriteSession(out, Seconds(time).count());
  Uint(out, "pass", pass);
  Uint(out, "passes", passes);
  out.Key("rows");
  out.BeginObject();
  if (rows_total) Uint(out, "total", *rows_total);
  if (passes > 1) Uint(out, "input", rows_input);
  Uint(out, "done", rows_done);
  Uint(out, "ok", rows_ok);
  Uint(out, "failed", rows_failed);
  Uint(out, "before", rows_before);
  if (rows_waiting > 0) Uint(out, "waiting", rows_waiting);
  if (rows_skipped > 0) Uint(out, "skipped", rows_skipped);
  out.EndObject();
  NodeStats sum;
  for (const NodeStats& node : counted) {
    sum.cached_tokens += node.cached_tokens;
    sum.cached_of += node.cached_of;
  }
  if (const auto rate = HitRateOf(sum)) Double(out, "cache_hit_rate", Rounded(*rate, 10'000));
  if (server_prefixes) {
    out.Key("server_prefixes");
    out.BeginObject();
    Double(out, "looked_up", server_prefixes->looked_up);
    Double(out, "found", server_prefixes->found);
    out.EndObject();
  }
  if (!currency.empty()) out.Field("currency", currency);
  out.Key("errors");
  out.BeginObject();
  for (const auto& [name, count] : errors) Uint(out, name, count);
  out.EndObject();
  out.Key("nodes");
  out.BeginObject();
  for (const GraphNode* graph_node : graph_.all()) {
    const NodeStats& node = counted[graph_node->index];
    out.Key(graph_node->node->id);
    out.BeginObject();
    for (const Counter& counter : kCounters) Uint(out, counter.key, node.*counter.member);
    if (graph_node->step() != nullptr) {
      Uint(out, "calls", node.latencies.count());
      WriteAnswers(out, node);
      WriteSure(out, node);
    }
    if (node.latencies.count() > 0) {
      Double(out, "p50_ms", Rounded(Millis(node.latencies.Quantile(0.5)).count(), 100));
      Double(out, "p95_ms", Rounded(Millis(node.latencies.Quantile(0.95)).count(), 100));
      WriteBuckets(out, "latencies_ms", node.latencies.buckets_,
                   [](std::size_t i) { return Rounded(MillisOf(i), 100); });
    }
    out.EndObject();
  }
  out.EndObject();
  out.EndObject();
  return text;
}

void RunStats::Restore(json::View json) {
  constexpr double kMostSeconds = 1e9;  // what a Duration can hold, and more than a run can take
  const double seconds = json.Find("seconds").AsDouble().value_or(0);
  earlier = std::chrono::duration_cast<Duration>(Seconds(std::clamp(seconds, 0.0, kMostSeconds)));
  sessions = UintOf(json, "sessions");
  pass = static_cast<std::size_t>(UintOf(json, "pass"));
  // Costs of two currencies do not add up to one.
  const std::string_view before = json.Find("currency").StringOr(currency);
  if (before != currency) currency.clear();
  const json::View prefixes = json.Find("server_prefixes");
  if (prefixes.IsObject()) {
    server_prefixes = {.looked_up = prefixes.Find("looked_up").AsDouble().value_or(0),
                       .found = prefixes.Find("found").AsDouble().value_or(0)};
  }
  const json::View rows = json.Find("rows");
  if (const auto total = rows.Find("total").AsUint64()) rows_total = total;
  rows_done = rows_read = rows_before = UintOf(rows, "done");
  rows_input = UintOf(rows, rows.Find("input").exists() ? "input" : "done");
  rows_ok = UintOf(rows, "ok");
  rows_failed = UintOf(rows, "failed");
  for (const GraphNode* graph_node : graph_.all()) {
    const json::View from = json.Find("nodes").Find(graph_node->node->id);
    NodeStats node;
    for (const Counter& counter : kCounters) node.*counter.member = UintOf(from, counter.key);
    node.reused = node.ok + node.failed;
    ReadAnswers(from, node);
    node.reused_tokens = node.completion_tokens;
    ReadSure(from.Find("confidence"), node);
    for (const json::View item : from.Find("latencies_ms").items()) {
      const std::size_t bucket = BucketOf(item[0].AsDouble().value_or(0), Latencies::kBuckets);
      const std::uint32_t count = BucketCount(item[1]);
      node.latencies.buckets_[bucket] += count;
      node.latencies.count_ += count;
    }
    nodes[graph_node->index] = kept_[graph_node->index] = node;
  }
  errors.clear();
  for (const auto& [name, count] : json.Find("errors").members()) {
    errors.emplace(name, count.AsUint64().value_or(0));
  }
}

}  // namespace weir::flow
