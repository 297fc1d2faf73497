#pragma once

// One turn of an agent: from a conversation to an answer that is worth acting on.

#include <optional>

#include "weir/agent/loop.h"

namespace weir::agent {

// How a turn is asked.
struct TurnOptions {
  int turn = 1;
  double temperature = 0;
  bool must_submit = false;  // it has to hand in
  int other = 0;             // counts what was asked in vain: each time the sampling is another one
};

struct Answer {
  model::Reply reply;
  std::optional<double> confidence;       // of the whole answer
  std::optional<double> tool_confidence;  // of the names of its calls, the lowest

  const model::Choice* choice() const {
    return reply.choices.empty() ? nullptr : &reply.choices.front();
  }
};

// Asks, by stream so that listeners see it grow. What is wrong with calls of an answer is no
// failure here: the model is told later. Breaks of the stream and a server that refuses a forced
// choice are asked again; so is a call whose tool the model is not sure of. `figures` gets what all
// answers took.
async::Task<Result<Answer>> AskTurn(async::Context ctx, model::Engine& engine, const Agent& agent,
                                    Toolbox& toolbox, const Job& job, const model::Call& call,
                                    TurnOptions options, Figures& figures);

}  // namespace weir::agent
