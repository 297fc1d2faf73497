// What is wrong with an agent whatever stands around it.

#include <algorithm>
#include <vector>

#include "weir/agent/mcp/variables.h"
#include "weir/agent/tools/builtins.h"
#include "weir/base/text.h"
#include "weir/flow/graph_build.h"
#include "weir/flow/names.h"
#include "weir/schema/schema.h"

namespace weir::flow {
namespace {

constexpr std::size_t kLongestToolName = 64;
constexpr std::size_t kMostTools = 256;
constexpr int kMostTurns = 10'000;
constexpr int kMostParallel = 64;
constexpr int kMostOften = 100;
constexpr std::size_t kMostOutput = 16 << 20;

// [A-Za-z_][A-Za-z0-9_-]{0,63}: what every server takes.
bool IsToolName(std::string_view name) {
  const auto fits = [](char c) { return StartsName(c) || IsDigit(c) || c == '-'; };
  return !name.empty() && name.size() <= kLongestToolName && StartsName(name[0]) &&
         std::ranges::all_of(name, fits);
}

// Why it is no schema of an object; empty when it is one.
std::string ObjectProblem(json::View schema) {
  if (!schema.IsObject()) return StrCat("must be a schema, found ", json::KindName(schema.kind()));
  const json::View type = schema.Find("type");
  if (type.exists() && type.StringOr("") != "object")
    return "must describe an object: type: object";
  constexpr std::string_view kWays[] = {"properties", "$ref", "anyOf", "oneOf", "allOf"};
  const bool told =
      std::ranges::any_of(kWays, [&](std::string_view key) { return schema.Find(key).exists(); });
  if (!type.exists() && !told) return "must describe an object: type: object";
  const auto compiled = schema::Schema::Compile(schema);
  return compiled ? std::string() : StrCat("is wrong: ", compiled.error().message);
}

const agent::Builtin* BuiltinNamed(std::string_view name) {
  const auto all = agent::Builtins();
  const auto at = std::ranges::find(all, name, &agent::Builtin::name);
  return at == all.end() ? nullptr : &*at;
}

std::string BuiltinAdvice(std::string_view name) {
  std::vector<std::string> names;
  for (const agent::Builtin& builtin : agent::Builtins()) names.emplace_back(builtin.name);
  const auto nearest = Nearest(name, names);
  return nearest ? StrCat("did you mean ", *nearest, "?")
                 : StrCat("there are: ", Join(names, ", "));
}

}  // namespace

void GraphBuilder::CheckAgent(const Step& step, const Node& node) {
  const agent::Agent& agent = *step.agent;
  if (step.constraint) {
    Wrong(node.place, StrCat("agent ", node.id, " has a constraint of another kind (",
                             model::ConstraintName(step.constraint->kind),
                             "): what it hands in is bound by `submit` alone"));
  }
  CheckLimits(agent, node);
  if (agent.tools.size() > kMostTools) {
    Wrong(node.place, StrCat("agent ", node.id, " has ", agent.tools.size(),
                             " tools, and may have ", kMostTools));
    return;
  }
  std::vector<std::string_view> names;
  names.reserve(agent.tools.size());
  for (const agent::ToolDefinition& tool : agent.tools) {
    const std::string& place = tool.place.empty() ? node.place : tool.place;
    CheckTool(tool, node, place);
    if (std::ranges::find(names, tool.name) != names.end()) {
      Wrong(place, StrCat("agent ", node.id, " has two tools named ", tool.name,
                          "; give one of them another name"));
    }
    names.push_back(tool.name);
  }
  const std::string& place = step.output.place.empty() ? node.place : step.output.place;
  if (!IsToolName(agent.submit.name)) {
    Wrong(place, StrCat("'", Truncate(agent.submit.name, 80), "' is no name for the submission of ",
                        node.id, ": use letters, digits, _ and -, at most ", kLongestToolName));
  } else if (std::ranges::find(names, agent.submit.name) != names.end()) {
    Wrong(place, StrCat("agent ", node.id, " has a tool named ", agent.submit.name,
                        ", which is how it hands in its result; rename the tool, or write submit: "
                        "{name: ..., schema: ...}"));
  }
  if (const std::string problem = ObjectProblem(agent.submit.schema); !problem.empty()) {
    Wrong(place, StrCat("`submit` of agent ", node.id, " ", problem));
  }
  CheckServers(agent, node);
}

void GraphBuilder::CheckLimits(const agent::Agent& agent, const Node& node) {
  const auto range = [&](std::string_view key, auto value, auto least, auto most) {
    if (value >= least && value <= most) return;
    Wrong(node.place, StrCat("`", key, "` of agent ", node.id, " must be from ", least, " to ",
                             most, ", found ", value));
  };
  range("max_turns", agent.max_turns, 1, kMostTurns);
  range("max_tool_calls", agent.max_tool_calls, 0, 1'000'000);
  range("max_nudges", agent.max_nudges, 0, kMostOften);
  range("max_compactions", agent.max_compactions, 0, kMostOften);
  range("parallel_tools", agent.parallel_tools, 1, kMostParallel);
  range("confidence.max_retries", agent.confidence_retries, 0, kMostOften);
  range("confidence.threshold", agent.min_tool_confidence.value_or(0), 0.0, 1.0);
  range("temperature.first", agent.temperature.first, 0.0, 2.0);
  range("temperature.loop", agent.temperature.loop, 0.0, 2.0);
  range("temperature.final", agent.temperature.last, 0.0, 2.0);
  if (agent.max_total_tokens.value_or(1) < 1) {
    Wrong(node.place, StrCat("`max_total_tokens` of agent ", node.id, " must be at least 1"));
  }
  if (agent.timeout < Duration::zero()) {
    Wrong(node.place, StrCat("`run_timeout` of agent ", node.id, " must not be negative"));
  }
  if (agent.workspace.max_bytes == 0) {
    Wrong(node.place, StrCat("`workspace.max_bytes` of agent ", node.id, " must be at least 1"));
  }
}

void GraphBuilder::CheckTool(const agent::ToolDefinition& tool, const Node& node,
                             const std::string& place) {
  const std::string what = StrCat("tool ", Truncate(tool.name, 80), " of agent ", node.id);
  if (!IsToolName(tool.name)) {
    Wrong(place, StrCat("'", Truncate(tool.name, 80), "' is no name for a tool of ", node.id,
                        ": use letters, digits, _ and -, the first a letter or _, at most ",
                        kLongestToolName));
  }
  if (tool.exec.empty() == tool.builtin.empty()) {
    Wrong(place, StrCat(what, tool.exec.empty() ? " does nothing" : " does two things",
                        ": give it exactly one of `exec`, a program, and `builtin`"));
  } else if (tool.builtin.empty() && tool.exec.front().empty()) {
    Wrong(place, StrCat("`exec` of ", what, " names no program"));
  } else if (!tool.builtin.empty() && BuiltinNamed(tool.builtin) == nullptr) {
    Wrong(place, StrCat("there is no built-in tool '", Truncate(tool.builtin, 60), "'; ",
                        BuiltinAdvice(tool.builtin),
                        tool.name == tool.builtin ? " A program is {name, exec: [...]}" : ""));
  }
  const bool runs = tool.builtin == "run_command";
  if (runs && tool.allow.empty()) {
    Wrong(place, StrCat(what, " needs `allow`, the programs that it may run: allow: [git, make]"));
  } else if (!runs && !tool.allow.empty()) {
    Wrong(place, StrCat("`allow` of ", what, " belongs to the built-in run_command alone"));
  }
  if (tool.arguments.IsObject() || tool.arguments.IsBool()) {
    const std::string problem = ObjectProblem(tool.arguments);
    if (!problem.empty()) Wrong(place, StrCat("`args` of ", what, " ", problem));
  }
  if (tool.inputs.exists() && !tool.inputs.IsNull() && !tool.inputs.IsObject()) {
    Wrong(place, StrCat("`inputs` of ", what, " must be an object"));
  }
  const bool empty = std::ranges::any_of(
      tool.context, [](const auto& argv) { return argv.empty() || argv.front().empty(); });
  if (empty) Wrong(place, StrCat("`context` of ", what, " names no program"));
  if (tool.timeout <= Duration::zero()) {
    Wrong(place, StrCat("`timeout` of ", what, " must be above 0"));
  }
  if (tool.max_output < 1 || tool.max_output > kMostOutput) {
    Wrong(place, StrCat("`max_output` of ", what, " must be from 1 to ", kMostOutput, " bytes"));
  }
}

void GraphBuilder::CheckServers(const agent::Agent& agent, const Node& node) {
  std::vector<std::string_view> names;
  names.reserve(agent.servers.size());
  for (const agent::McpServer& server : agent.servers) {
    const std::string& place = server.place.empty() ? node.place : server.place;
    const std::string what = StrCat("server ", Truncate(server.name, 80), " of agent ", node.id);
    if (!IsToolName(server.name)) {
      Wrong(place,
            StrCat("a server of agent ", node.id,
                   " needs a name of letters, digits, _ and -: {name, exec} or {name, url}"));
    } else if (std::ranges::find(names, server.name) != names.end()) {
      Wrong(place, StrCat("agent ", node.id, " has two servers named ", server.name));
    }
    names.push_back(server.name);
    if (server.exec.empty() == server.url.empty()) {
      Wrong(place, StrCat(what, " needs exactly one of `exec`, a program, and `url`"));
    }
    const std::string_view url = server.url;
    if (!url.empty() && !url.starts_with("http://") && !url.starts_with("https://")) {
      Wrong(place, StrCat("`url` of ", what, " must begin with http:// or https://, found '",
                          Truncate(url, 80), "'"));
    }
    if (!server.headers.empty() && url.empty()) {
      Wrong(place, StrCat("`headers` of ", what, " belong to `url`, which is not there"));
    }
    if (!server.env.empty() && server.exec.empty()) {
      Wrong(place, StrCat("`env` of ", what, " belongs to `exec`, which is not there"));
    }
    for (const std::string& problem : agent::mcp::NotationProblems(server)) {
      Wrong(place, StrCat(what, ": ", problem));
    }
    if (!server.prefix.empty() && !IsToolName(server.prefix)) {
      Wrong(place, StrCat("`prefix` of ", what, " must be letters, digits, _ and -"));
    }
    if (server.timeout <= Duration::zero() || server.startup_timeout <= Duration::zero()) {
      Wrong(place, StrCat("`timeout` and `startup_timeout` of ", what, " must be above 0"));
    }
  }
}

}  // namespace weir::flow
