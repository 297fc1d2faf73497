#include "weir/flow/agent_stats.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace weir::flow {
namespace {

struct Counter {
  std::string_view key;
  std::uint64_t AgentStats::* sum;
  std::int64_t agent::Figures::* one;  // null: not of the figures
};
constexpr std::array kCounters = {
    Counter{"ended", &AgentStats::ended, nullptr},
    Counter{"turns", &AgentStats::turns, &agent::Figures::turns},
    Counter{"tool_calls", &AgentStats::tool_calls, &agent::Figures::tool_calls},
    Counter{"tool_errors", &AgentStats::tool_errors, &agent::Figures::tool_errors},
    Counter{"denied", &AgentStats::denied, &agent::Figures::denied},
    Counter{"interrupted", &AgentStats::interrupted, &agent::Figures::interrupted},
    Counter{"nudges", &AgentStats::nudges, &agent::Figures::nudges},
    Counter{"compactions", &AgentStats::compactions, &agent::Figures::compactions},
    Counter{"confidence_retries", &AgentStats::confidence_retries,
            &agent::Figures::confidence_retries},
};

}  // namespace

void AgentStats::Add(const agent::Figures& figures) {
  ++ended;
  for (const Counter& counter : kCounters) {
    if (counter.one == nullptr) continue;
    this->*counter.sum +=
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, figures.*counter.one));
  }
}

void AgentStats::Add(const AgentStats& more) {
  for (const Counter& counter : kCounters) this->*counter.sum += more.*counter.sum;
}

std::optional<double> AgentStats::ToolSuccess() const {
  if (tool_calls == 0) return std::nullopt;
  const std::uint64_t bad = std::min(tool_calls, tool_errors + denied + interrupted);
  return static_cast<double>(tool_calls - bad) / static_cast<double>(tool_calls);
}

void WriteAgents(json::Writer& out, const AgentStats& agents) {
  if (agents.ended == 0) return;
  out.PlainKey("agents");
  out.BeginObject();
  for (const Counter& counter : kCounters) {
    out.PlainKey(counter.key);
    out.Uint(agents.*counter.sum);
  }
  if (const std::optional<double> success = agents.ToolSuccess()) {
    out.PlainKey("tool_success");
    out.Double(std::round(*success * 10'000) / 10'000);
  }
  out.EndObject();
}

AgentStats ReadAgents(json::View json) {
  AgentStats agents;
  for (const Counter& counter : kCounters) {
    agents.*counter.sum = json.Find(counter.key).AsUint64().value_or(0);
  }
  return agents;
}

}  // namespace weir::flow
