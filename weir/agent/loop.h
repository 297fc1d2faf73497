#pragma once

// The loop of an agent: the model is asked, its calls of tools are run and answered, and so on,
// until it hands in a result that obeys its schema.
//
// What comes of an answer:
//
// - calls of tools: each is run; what went wrong is the model's to mend;
// - the submission: checked; a good one ends the work, else the model is told what is wrong;
// - a text that is a good result, or calls written as JSON: taken, and said to be a repair;
// - another text, a refusal: "go on", with other sampling, max_nudges times; then no_submit;
// - cut at the token limit: the conversation is summed up and goes on, max_compactions times;
// - filtered: content_filter;
// - a broken stream: the turn is asked again, kMostBreaks times.
//
// The last turn has to hand in; so has every turn once max_tool_calls are used up.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/agent/checkpoint.h"
#include "weir/agent/figures.h"
#include "weir/agent/toolbox.h"
#include "weir/async/context.h"
#include "weir/model/engine.h"

namespace weir::agent {

inline constexpr int kMostBreaks = 2;

// One piece of work. All that it points to outlives it.
struct Job {
  model::Call
      call;  // the messages that it begins with; sampling, adapter and the like of all turns
  std::uint64_t seed = 0;   // each turn has a seed of its own, made of this
  Duration turn_timeout{};  // the clock `total` of a turn; zero: the engine's
  const Surroundings* around = nullptr;
  Checkpoint* checkpoint = nullptr;  // null: none
  // Hears of each answer of the model, and of each that failed; may be empty.
  std::function<void(const Result<model::Reply>& reply, Duration took)> on_answer;
};

struct WorkResult {
  Result<json::Value> submission;
  Figures figures;
  std::vector<model::Message> messages;  // the whole conversation
  std::vector<std::string> repairs;      // what was mended in calls and in the result
};

// Fails with kNoSubmit, kTurnLimit, kBudgetExceeded, kTruncated, kContentFilter, kTimeout (the
// clock `timeout` of the agent), kCancelled, kIoError (the checkpoint), or as the engine does.
//
// Events: agent.start, agent.turn, tool_call, tool_result, submit_result,
// agent.retry_low_confidence, agent.forced_choice_refused, context.compacted, agent_error,
// agent.end.
async::Task<WorkResult> Work(async::Context ctx, model::Engine& engine, const Agent& agent,
                             Toolbox& toolbox, const Job& job);

// AGENT_001 ... AGENT_004, or "" where the error is of another kind.
std::string_view AgentCode(const Error& error);

// The phase of a turn, counted from 1: the last turns are those behind max_turns - 2.
enum class Phase : std::uint8_t { kFirst, kLoop, kLast };
Phase PhaseOf(int turn, int max_turns);
double TemperatureOf(const TurnPolicy& policy, Phase phase);

}  // namespace weir::agent
