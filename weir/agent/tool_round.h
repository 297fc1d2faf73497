#pragma once

// What an answer called: each call is run and answered, in the order of the calls. Those that only
// read and stand side by side run at the same time; one that mutates runs alone, and is noted in
// the checkpoint before.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/loop.h"

namespace weir::agent {

// Calls that failed, by name, arguments and what was answered: how often.
using Failures = std::map<std::string, int>;

struct RoundResult {
  std::optional<json::Value> submission;  // a good one was handed in
};

class ToolRound {
 public:
  // Everything outlives it. `started` are calls that a kill may have broken off.
  ToolRound(const Agent& agent, Toolbox& toolbox, const Job& job, Figures& figures,
            const std::vector<std::string>& started, std::vector<std::string>& repairs,
            Failures& failures, std::optional<double> confidence)
      : agent_(agent),
        toolbox_(toolbox),
        job_(job),
        figures_(figures),
        started_(started),
        repairs_(repairs),
        failures_(failures),
        confidence_(confidence) {}

  // Answers the calls of the last answer in `messages` that have no answer yet. Fails when the
  // context ends or the checkpoint cannot be written.
  async::Task<Result<RoundResult>> Run(async::Context ctx, std::vector<model::Message>& messages);

  // Whether there were calls and every one failed as it had failed before.
  bool repeats() const { return answered_ > 0 && repeated_ == answered_; }
  // How long nothing was done but wait for a person.
  Duration waited() const { return waited_; }

 private:
  struct Slot {
    const model::ToolCall* call;
    ToolOutcome outcome;
    bool runs = true;  // false: what it comes to is known
  };

  async::Task<Result<void>> RunAll(async::Context ctx, std::vector<Slot>& slots,
                                   std::vector<model::Message>& messages);
  async::Task<void> RunOne(async::Context ctx, Slot& slot);
  void Decide(Slot& slot);
  Result<void> Answer(const async::Context& ctx, const Slot& slot,
                      std::vector<model::Message>& messages);
  Result<RoundResult> HandIn(const async::Context& ctx, const model::ToolCall& call,
                             std::vector<model::Message>& messages);
  // What the model is told of a call that failed; that it failed so before is said, too.
  std::string FailureText(const model::ToolCall& call, std::string text);
  Result<void> Say(std::vector<model::Message>& messages, const model::ToolCall& call,
                   std::string text);

  const Agent& agent_;
  Toolbox& toolbox_;
  const Job& job_;
  Figures& figures_;
  const std::vector<std::string>& started_;
  std::vector<std::string>& repairs_;
  Failures& failures_;  // of all rounds
  const std::optional<double> confidence_;
  std::size_t answered_ = 0;
  std::size_t repeated_ = 0;
  Duration waited_{};
  std::optional<Error> failure_;
};

}  // namespace weir::agent
