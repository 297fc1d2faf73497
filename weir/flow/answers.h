#pragma once

// What a walker keeps of the rows that it leads through a graph, so that nothing is asked twice
// whatever becomes of the process: a run's folder, or a worker's journal of answers.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/flow/agent_stats.h"
#include "weir/flow/graph.h"
#include "weir/json/value.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::flow {

// What one node made of one row, as the ledger keeps it.
struct Finished {
  std::size_t pass = 0;     // a run with barriers goes through its rows several times
  std::uint64_t row = 0;    // its number in the pass
  std::string child;        // "" for the row itself, "2.0" for its child's child
  std::size_t node = 0;     // GraphNode::index
  std::uint32_t input = 0;  // a checksum by which the row is known again
  // Of passes behind the first: the number of the row of the input that it comes of.
  std::optional<std::uint64_t> origin;
  std::variant<json::Value, Error> outcome;
  // What it took, with all that was tried before it, so that totals survive; unknown counts are
  // unset.
  std::optional<std::int64_t> prompt_tokens;
  std::optional<std::int64_t> completion_tokens;
  std::optional<std::int64_t> cached_tokens;
  std::optional<double> cost;
  AgentStats agents;
  std::vector<double> confidences;  // of the answers that have one
  json::Value thoughts;             // the model's reasoning, a string; null: none
};

// What became of a (row, node) the times before, when rows that failed are tried again.
struct Past {
  std::optional<Finished> answer;  // what was answered; unset: it only failed
  int failures = 0;
  // What all of it took.
  std::optional<std::int64_t> prompt_tokens;
  std::optional<std::int64_t> completion_tokens;
  std::optional<std::int64_t> cached_tokens;
  std::optional<double> cost;
  AgentStats agents;
  std::vector<double> confidences;
};

// One call of an engine and what came of it. What it points to is the caller's.
struct AskedOnce {
  std::string_view row_id;
  std::uint64_t row = 0;
  const GraphNode* node = nullptr;
  std::string_view engine;            // as it was asked for: a name or a role
  const model::Call* call = nullptr;  // null: of an agent, turn by turn
  const Result<model::Reply>* reply = nullptr;
  Duration took{};
};

class Answers {
 public:
  virtual ~Answers() = default;

  // What is known of a (row, node) of this pass; null: nothing. Good until the row has ended.
  virtual const Finished* Recorded(std::size_t pass, std::uint64_t row, std::string_view child,
                                   std::size_t node) const = 0;
  // What became of it before failed rows were tried again; null: nothing is known. `origin` is the
  // number of the row of the input. Fails with kIoError.
  virtual Result<const Past*> Before(std::size_t pass, std::uint64_t origin, std::string_view child,
                                     std::size_t node) = 0;
  // How often failed rows were tried again, this time included.
  virtual int rounds() const = 0;

  // An engine is about to be asked: whoever finds this without an answer knows what was in flight.
  virtual Result<void> Asking(const Finished& /*blank*/) { return {}; }
  // One record, one write(). When it returned, a kill does not lose it.
  virtual Result<void> Record(const Finished& finished) = 0;
  virtual Result<void> NoteCall(const AskedOnce& asked) = 0;

  // Another process is at work on this row, which is not to blame. True: it is tried again later;
  // false: nobody does, and the run stops.
  virtual bool PutOff(const Finished& /*blank*/, const Error& /*why*/) { return false; }

  // The folder in which agents keep what they work on.
  virtual const std::string& path() const = 0;

 protected:
  Answers() = default;
  Answers(Answers&&) = default;
  Answers& operator=(Answers&&) = default;
};

}  // namespace weir::flow
