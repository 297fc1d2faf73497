#include "weir/agent/agent.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "weir/agent/tools/builtins.h"
#include "weir/base/text.h"

namespace weir::agent {

const std::string_view kResultSchema = R"({
"type": "object",
"required": ["status", "summary"],
"additionalProperties": false,
"properties": {
  "status": {"enum": ["success", "failed", "skipped"]},
  "summary": {"type": "string", "description": "One or two sentences: what was done."},
  "changed_files": {"type": "array", "items": {"type": "string"}},
  "details": {"type": "object"},
  "error": {"type": ["string", "null"], "description": "Why it failed."}}})";

namespace {

bool Mutates(const ToolDefinition& tool) {
  if (tool.mutates) return *tool.mutates;
  if (tool.builtin.empty()) return true;
  const auto builtins = Builtins();
  const auto found = std::ranges::find(builtins, tool.builtin, &Builtin::name);
  return found == builtins.end() || found->mutates;
}

struct Limit {
  std::string_view name;
  int Agent::* field;
  std::int64_t least;
};
constexpr std::array kLimits = {Limit{"max_turns", &Agent::max_turns, 1},
                                Limit{"max_tool_calls", &Agent::max_tool_calls, 1},
                                Limit{"max_nudges", &Agent::max_nudges, 0}};
constexpr std::int64_t kMostOfALimit = 1'000'000;

Error BadOverride(std::string_view name, std::string_view needs) {
  return {.code = Code::kConfigError, .message = StrCat("`", name, "` must be ", needs)};
}

Result<bool> OverrideLimit(Agent& agent, std::string_view name, json::View value) {
  const auto found = std::ranges::find(kLimits, name, &Limit::name);
  if (found == kLimits.end()) return false;
  const auto number = value.AsInt64();
  if (!number || *number < found->least || *number > kMostOfALimit) {
    return Fail(BadOverride(name, StrCat("a whole number from ", found->least)));
  }
  agent.*(found->field) = static_cast<int>(*number);
  return true;
}

Result<void> OverrideOther(Agent& agent, std::string_view name, json::View value) {
  const auto number = value.AsDouble();
  if (name == "max_total_tokens") {
    if (value.AsInt64().value_or(0) < 1) return Fail(BadOverride(name, "a whole number from 1"));
    agent.max_total_tokens = value.AsInt64();
  } else if (name == "run_timeout") {
    if (!number || *number < 0 || *number > kMostOfALimit) {
      return Fail(BadOverride(name, "a number of seconds"));
    }
    agent.timeout = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(*number));
  } else if (name == "temperature") {
    if (!number || *number < 0 || *number > 2) return Fail(BadOverride(name, "from 0 to 2"));
    agent.temperature = {.first = *number, .loop = *number, .last = *number};
  } else {
    return Fail(Code::kConfigError,
                StrCat("`", name,
                       "` cannot be changed for one row; max_turns, max_tool_calls, max_nudges, "
                       "max_total_tokens, run_timeout and temperature can"));
  }
  return {};
}

}  // namespace

Result<void> Override(Agent& agent, json::View overrides) {
  for (const auto& [name, value] : overrides.members()) {
    WEIR_TRY(const bool done, OverrideLimit(agent, name, value));
    if (done) continue;
    WEIR_CHECK(OverrideOther(agent, name, value));
  }
  return {};
}

WorkspaceMode WorkspaceModeOf(const Agent& agent) {
  if (agent.workspace.mode) return *agent.workspace.mode;
  return std::ranges::any_of(agent.tools, Mutates) ? WorkspaceMode::kCopy : WorkspaceMode::kNone;
}

}  // namespace weir::agent
