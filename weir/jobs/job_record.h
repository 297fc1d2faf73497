#pragma once

// What a worker writes of a job: the records of its calls, who made the result, and the result.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/answers.h"
#include "weir/flow/graph.h"
#include "weir/flow/walk.h"

namespace weir::jobs {

// What jobs of one queue are worked with at a time.
struct Assignment {
  std::string engine;    // stands in for every engine of the flow; empty: the flow's own
  std::string provider;  // "vllm", "ollama", ...
  std::string model;
  std::string variant;  // its id; may be empty

  friend bool operator==(const Assignment&, const Assignment&) = default;
};

// An engine's kind, as the configuration has it: by the name that a reply carries.
using ProviderOf = std::function<std::string(std::string_view engine)>;

// What the records of one call are numbered with. A further turn of an agent is no further try.
struct Numbers {
  int first = 1;  // of the first record ...
  int next = 2;   // ... of the one behind it, and on from there
  int turn = 0;   // of an agent, from 1; 0: of none

  int Of(std::size_t record) const {
    return record == 0 ? first : next + static_cast<int>(record) - 1;
  }
};

// One record for each try of a call, {"attempt", "turn", "node", "engine", "provider", "model",
// "variant_id", "started_at", "duration_ms", "success", "error", "message", "http_status",
// "cause", "prompt_hash", "schema_hash", "raw_text", "text", "parsed", "repaired", "usage"}; the
// last one has the answer, if there was one. `wall_nanos` is now.
std::vector<std::string> AttemptRecords(const flow::AskedOnce& asked, const ProviderOf& provider_of,
                                        std::string_view variant, Numbers numbers,
                                        std::int64_t wall_nanos);

// The number of a record's try; 0: it is none.
int AttemptIn(std::string_view record);

// {"provider", "engine", "model", "variant_id", "prompt_hash", "schema_hash", "flow", "steps":
// {...}, "usage": {...}}: gathered from the calls that gave the result.
class Metadata {
 public:
  // A call that answered.
  void Add(const flow::AskedOnce& asked, const ProviderOf& provider_of, std::string_view variant);
  // A record of AttemptRecords(), of a call before a crash.
  void AddRecord(std::string_view record);

  // `asked`: whom the calls went to that had no answer; null where there was no call.
  std::string Json(const Assignment* asked, std::string_view flow_digest) const;

 private:
  struct Step {
    std::string node;
    std::string engine;
    std::string provider;
    std::string model;
    std::string variant;
    std::uint64_t prompt_hash = 0;  // 0: not known
    std::uint64_t schema_hash = 0;
  };
  std::vector<Step> steps_;    // by node, the last call of each; in the order of the first
  std::string failed_engine_;  // that was asked last and has not answered; counts without steps
  std::string failed_provider_;
  std::int64_t prompt_tokens_ = 0;
  std::int64_t completion_tokens_ = 0;

  void Take(Step step);
};

// What came to the end of the flow: an object of the values by node; a list of them where the row
// became several; null where it was dropped.
std::string ResultJson(const flow::Graph& graph, const std::vector<flow::Traveller>& through);

}  // namespace weir::jobs
