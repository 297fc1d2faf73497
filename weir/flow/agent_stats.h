#pragma once

// The figures of the agents of one node.

#include <cstdint>
#include <optional>

#include "weir/agent/figures.h"
#include "weir/json/value.h"
#include "weir/json/writer.h"

namespace weir::flow {

// Sums over the work of agents.
struct AgentStats {
  std::uint64_t ended = 0;  // pieces of work, those that failed included
  std::uint64_t turns = 0;
  std::uint64_t tool_calls = 0;
  std::uint64_t tool_errors = 0;
  std::uint64_t denied = 0;
  std::uint64_t interrupted = 0;  // calls that a kill broke off, and that were not run again
  std::uint64_t nudges = 0;
  std::uint64_t compactions = 0;
  std::uint64_t confidence_retries = 0;

  void Add(const agent::Figures& figures);
  void Add(const AgentStats& more);

  // The part of the calls of tools that gave a result; nothing when there were none.
  std::optional<double> ToolSuccess() const;

  friend bool operator==(const AgentStats&, const AgentStats&) = default;
};

// A member "agents" of the object that is open; nothing where no agent has ended.
void WriteAgents(json::Writer& out, const AgentStats& agents);
// The value of that member; absent: zeros.
AgentStats ReadAgents(json::View json);

}  // namespace weir::flow
