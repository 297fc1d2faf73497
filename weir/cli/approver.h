#pragma once

// Asks the person at the terminal whether a tool of an agent may run.

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "weir/agent/toolbox.h"
#include "weir/async/semaphore.h"
#include "weir/flow/graph.h"

namespace weir::cli {

// Whether some tool of the graph's agents wants to be asked for.
bool WantsApproval(const flow::Graph& graph);

class TerminalApprover final : public agent::Approver {
 public:
  // `say` shows a line to the person; answers are lines of stdin.
  explicit TerminalApprover(std::function<void(std::string_view)> say) : say_(std::move(say)) {}

  async::Task<Result<bool>> Ask(async::Context ctx, std::string agent_id,
                                model::ToolCall call) override;

 private:
  const std::function<void(std::string_view)> say_;
  async::Semaphore asking_{{.permits = 1}};  // agents of several nodes ask one person
  std::set<std::string> always_;             // tools that need not be asked for again
  bool over_ = false;                        // stdin has ended: nobody is there
};

}  // namespace weir::cli
