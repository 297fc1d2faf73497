#pragma once

// A flow with the configuration that it runs under: what `run`, `flow` and `engines` begin with.

#include <string>
#include <vector>

#include "weir/cli/command.h"
#include "weir/config/config.h"
#include "weir/flow/check.h"
#include "weir/flow/graph.h"

namespace weir::cli {

struct LoadedFlow {
  flow::Graph graph;
  config::Config config;
};

// The configuration is --config, $WEIR_CONFIG, the flow's file itself when it has `flows:`, the
// weir.yaml beside it, or what every command finds.
// The file of an agent is a flow of that node alone.
Result<LoadedFlow> LoadFlow(const std::string& target, const Session& session);

// The file of one agent, as a flow of that node alone.
Result<LoadedFlow> LoadAgentFile(const std::string& file, const Session& session);

// The flow of a batch of OpenAI's form.
Result<LoadedFlow> LoadBatch(const std::string& engine, const std::string& model,
                             const Session& session);

// Its problems, with what the configuration knows of engines. `engine` is asked instead of those
// that the flow names; empty: none is.
std::vector<flow::Problem> CheckLoaded(const LoadedFlow& loaded, const Session& session,
                                       const std::string& engine = {});

// What is wrong with a flow, from its first character to the engines it asks, in one go.
struct CheckedFlow {
  std::vector<flow::Problem> problems;
  std::size_t nodes = 0;

  bool ok() const;  // there are only warnings
};
// Fails where there is nothing to look at. `engine` as above.
Result<CheckedFlow> CheckFlowFile(const std::string& target, const Session& session,
                                  const std::string& engine = {});

// {"ok", "problems": [{"place", "warning", "message"}]}, a line.
std::string ProblemsJson(bool ok, const std::vector<flow::Problem>& problems);

// Says warnings; fails with all errors together.
Result<void> TellProblems(const std::vector<flow::Problem>& problems, const Terminal& terminal);

}  // namespace weir::cli
