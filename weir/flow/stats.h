#pragma once

// The figures of a run while it runs: what the terminal draws, what run.json and the report say.
// One loop writes and reads them.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/error.h"
#include "weir/base/result.h"
#include "weir/flow/agent_stats.h"
#include "weir/flow/graph.h"
#include "weir/json/value.h"
#include "weir/json/writer.h"
#include "weir/model/reply.h"

namespace weir::flow {

// Counts durations in buckets that are 5 % wide, from 1 ms to a day.
class Latencies {
 public:
  void Add(Duration time);
  std::uint64_t count() const { return count_; }
  // The time that the part `q` of all does not exceed, to 5 %; zero when there is none.
  Duration Quantile(double q) const;

 private:
  friend class RunStats;
  static constexpr std::size_t kBuckets = 376;
  std::array<std::uint32_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
};

// Counts shares from 0 to 1 in hundredths.
class Shares {
 public:
  void Add(double share);
  std::uint64_t count() const { return count_; }
  // What the part `q` of all does not exceed, to a hundredth; 0 when there is none.
  double Quantile(double q) const;

 private:
  friend class RunStats;
  static constexpr std::size_t kBuckets = 101;
  std::array<std::uint32_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
};

struct NodeStats {
  std::uint64_t ok = 0;       // rows that it gave a value for
  std::uint64_t dropped = 0;  // rows that ended here because it said so
  std::uint64_t failed = 0;
  std::uint64_t skipped = 0;       // rows that failed before
  std::uint64_t reused = 0;        // of ok and failed: known from before a resume
  std::int64_t reused_tokens = 0;  // of completion_tokens, in this session: the same
  std::uint64_t in_flight = 0;
  std::uint64_t retries = 0;    // attempts beyond the first, of all calls at each of their engines
  std::uint64_t fallbacks = 0;  // calls that another engine than the one asked has answered
  std::uint64_t repaired = 0;   // answers that were mended
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t cached_of = 0;   // prompt tokens of the answers that say how many were cached
  bool tokens_unknown = false;  // some answers came without counts
  double cost = 0;              // of the calls whose price is known
  bool cost_unknown = false;    // some calls had no price
  Latencies latencies;          // of calls, with their retries
  std::string model;            // that the server had for it when the run was begun
  bool model_unlisted = false;  // its server did not list it before the first row
  std::string weights;          // where that came from, if the server says so
  std::string dialect;          // that the server spoke in the last session
  std::string server_version;   // in its own words, if it tells it
  // Confidence of the answers that have one.
  std::uint64_t sure_count = 0;
  double sure_sum = 0;
  double sure_least = 1;
  AgentStats agents;
  Shares sure;

  void AddSure(double confidence);
  // Counts retries and fallbacks of a call that ended so.
  void AddTries(const model::ReplyInfo& info);
  // Which part of the prompts the servers had in their prefix caches; nothing when none says so.
  std::optional<double> CacheHitRate() const;
};

// What one row gave at one node.
struct Contribution {
  std::size_t node = 0;
  std::uint64_t ok = 0;
  std::uint64_t dropped = 0;
  std::uint64_t failed = 0;
  std::uint64_t skipped = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t cached_of = 0;
  double cost = 0;
  bool tokens_unknown = false;
  bool cost_unknown = false;
  AgentStats agents;
  std::vector<double> confidences;  // of the answers that have one

  void AddTo(NodeStats& stats) const;
};

enum class EngineState : std::uint8_t { kIdle, kStarting, kUp, kStopping, kFailed };

struct EngineStats {
  EngineState state = EngineState::kIdle;
  TimePoint since;
  bool managed = false;
  std::string note;  // "http://127.0.0.1:8000, pid 412"
};

// What was done since the run was begun, or resumed: everything else is of all its sessions.
struct SessionStats {
  std::uint64_t rows = 0;   // that came to their end and were written
  std::uint64_t calls = 0;  // answers of models, whatever came of them
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

// A row that failed, as an example of those that failed alike.
struct FailedRow {
  std::string row_id;
  std::string node;
  std::string message;
};

// What servers have counted of their prefix caches while a run asked them, in tokens of prompts.
struct ServerPrefixes {
  double looked_up = 0;
  double found = 0;
};

class RunStats {
 public:
  explicit RunStats(const Graph& graph);

  std::vector<NodeStats> nodes;  // by GraphNode::index
  std::map<std::string, EngineStats> engines;
  std::map<std::string, std::uint64_t> errors;  // rows that failed, by the name of the error
  std::map<std::string, FailedRow> examples;    // the first of each, of this session

  std::optional<std::uint64_t> rows_total;  // when it is known
  std::optional<double> part_read;          // of the input, where only that is known
  std::uint64_t rows_input = 0;             // read in the first pass
  std::uint64_t rows_read = 0;              // in this pass, as are the next two
  std::uint64_t rows_done = 0;              // written, whatever came of them
  std::uint64_t rows_waiting = 0;           // ended, but not written: a row before them is not done
  std::uint64_t rows_ok = 0;
  std::uint64_t rows_failed = 0;
  std::uint64_t rows_wrong = 0;    // of rows_failed, in this session: asking again cannot help them
  std::uint64_t rows_skipped = 0;  // that a budget has left for the next session
  std::uint64_t rows_before = 0;   // of rows_done: known from before a resume
  std::uint64_t rows_replayed = 0;  // of RowsEnded(): every answer of theirs was known
  std::size_t pass = 0;
  std::size_t passes = 1;
  TimePoint started;
  Duration earlier{};          // what the run took before it was resumed
  std::uint64_t sessions = 0;  // this one included
  SessionStats session;
  std::string currency;  // of all costs; empty: unknown, or not the same one
  std::optional<ServerPrefixes> server_prefixes;  // of all sessions, as far as servers told
  std::string phase;                              // "warming up prefixes"; empty while rows run

  std::uint64_t RowsEnded() const { return rows_done + rows_waiting; }
  // Sums over the nodes.
  NodeStats Sum() const;

  // Which part of the prompts came out of prefix caches: as answers say, otherwise as the counters
  // of the servers do, which have the calls of everybody else in them, too.
  std::optional<double> CacheHitRate() const;

  void AddFailure(const Error& error, std::string_view row_id, std::string_view node);
  // A row on its way gave this; it counts in `nodes` at once.
  void Give(const Contribution& contribution) { contribution.AddTo(nodes[contribution.node]); }
  // The row was written: a resumed run will not count it again.
  void Keep(const Contribution& contribution) { contribution.AddTo(kept_[contribution.node]); }

  // For run.json and the report: {"rows": ..., "nodes": {ID: {...}}}; `now` closes the time. All of
  // it is of all sessions, but for "session".
  std::string Json(TimePoint now) const;
  // The same for the ledger: rows that were not written yet do not count.
  std::string KeptJson(TimePoint now) const;
  // Goes on from what one of them gave; unknown members are ignored.
  void Restore(json::View json);

 private:
  std::string Json(TimePoint now, const std::vector<NodeStats>& counted) const;
  std::optional<double> HitRateOf(const NodeStats& sum) const;
  void WriteSession(json::Writer& out, double seconds) const;
  static void WriteSure(json::Writer& out, const NodeStats& node);
  static void ReadSure(json::View json, NodeStats& node);

  std::vector<NodeStats> kept_;  // the part of `nodes` that belongs to written rows
  const Graph& graph_;
};

}  // namespace weir::flow
