#pragma once

// SimCore: from a request to what it will get. No I/O and no waiting happens here.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "weir/model/engine.h"
#include "weir/sim/plan.h"
#include "weir/sim/rehearsal.h"
#include "weir/sim/scheduler.h"
#include "weir/sim/sim.h"
#include "weir/wire/server_codec.h"

namespace weir::sim {

// The request is refused.
struct Refusal {
  enum class Stage : std::uint8_t {
    kFront,   // by an HTTP error status, also for a stream
    kEngine,  // a stream has begun by then: an error event
  };

  wire::ServerError error;
  Stage stage = Stage::kFront;
  bool constraint = false;  // a constraint that cannot be served
  std::string retry_after;  // header of a scripted error
};

// What is said when too many requests wait already.
Refusal BusyRefusal();

// Bytes that are not a reply at all, with status 200.
struct RawAnswer {
  std::string content_type;  // empty: as a reply would have it
  std::string body;
};

struct Outcome {
  std::variant<Plan, Refusal, RawAnswer> answer;
  Duration delay{};  // before anything happens
};

class SimCore {
 public:
  explicit SimCore(SimOptions options);

  const SimOptions& options() const { return options_; }
  Scheduler& scheduler() { return scheduler_; }

  // Decides what becomes of a request. `prompts` is not empty; a chat has one empty prompt.
  Outcome Decide(const model::Call& call, std::span<const Prompt> prompts);

  // Id, model and birth of a reply. `request_id` replaces the number that is made.
  model::ReplyInfo NewInfo(const Plan& plan, std::string_view request_id, std::int64_t wall_nanos);

  std::vector<model::ModelEntry> Models() const;
  std::string Version() const;

 private:
  std::vector<Duration> DrawTimes(std::size_t steps, std::uint64_t seed,
                                  const ScriptedReply& scripted) const;

  const SimOptions options_;
  Scheduler scheduler_;
  Rehearsal rehearsal_;
  std::atomic<std::uint64_t> replies_ = 0;  // numbers ids
};

}  // namespace weir::sim
