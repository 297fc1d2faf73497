#include "weir/cli/agent_show.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/agent/tools/builtins.h"
#include "weir/base/text.h"
#include "weir/cli/terminal.h"
#include "weir/flow/figures.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

using agent::Agent;
using agent::ToolDefinition;

const Agent& Of(const FoundAgent& found) { return *found.node->step()->agent; }

std::string_view ModeName(agent::WorkspaceMode mode) {
  constexpr std::array<std::string_view, 4> kNames = {"none", "copy", "worktree", "in_place"};
  return kNames[static_cast<std::size_t>(mode)];
}

std::string_view ApprovalName(agent::Approval approval) {
  constexpr std::array<std::string_view, 3> kNames = {"auto", "ask", "deny"};
  return kNames[static_cast<std::size_t>(approval)];
}

std::string_view ChoiceName(model::ToolChoice::Kind kind) {
  if (kind == model::ToolChoice::Kind::kAuto) return "auto";
  return kind == model::ToolChoice::Kind::kNone ? "none" : "required";
}

const agent::Builtin* BuiltinOf(const ToolDefinition& tool) {
  const auto all = agent::Builtins();
  const auto at = std::ranges::find(all, tool.builtin, &agent::Builtin::name);
  return at == all.end() ? nullptr : &*at;
}

struct ToolFacts {
  std::string description;
  json::Value arguments;
  bool mutates = true;
  std::string runs;  // the program, or the built-in
};

ToolFacts FactsOf(const ToolDefinition& tool) {
  ToolFacts facts{.description = tool.description, .arguments = tool.arguments};
  const agent::Builtin* builtin = BuiltinOf(tool);
  if (builtin != nullptr) {
    if (facts.description.empty()) facts.description = builtin->description;
    if (!facts.arguments.IsObject()) {
      facts.arguments = json::Read(builtin->arguments).value_or(json::Value());
    }
    facts.mutates = builtin->mutates;
  }
  if (!facts.arguments.IsObject()) {
    facts.arguments = json::Read(R"({"type":"object","properties":{}})").value_or(json::Value());
  }
  facts.mutates = tool.mutates.value_or(facts.mutates);
  facts.runs = tool.exec.empty() ? StrCat("built-in ", tool.builtin) : Join(tool.exec, " ");
  return facts;
}

// Of this agent's file: those that stand at one of its places, and all that have none.
std::vector<const flow::Problem*> ErrorsOf(const FoundAgent& found, bool warnings) {
  std::vector<const flow::Problem*> some;
  for (const flow::Problem& problem : found.problems) {
    if (problem.warning == warnings) some.push_back(&problem);
  }
  return some;
}

std::string StateOf(const FoundAgent& found) {
  if (found.error) return std::string(Split(found.error->message, '\n').front());
  const auto errors = ErrorsOf(found, false);
  if (!errors.empty()) return errors.front()->message;
  const std::size_t warnings = ErrorsOf(found, true).size();
  return warnings == 0 ? "ok" : StrCat("ok, ", warnings, warnings == 1 ? " warning" : " warnings");
}

std::vector<std::string> ToolNames(const Agent& agent) {
  std::vector<std::string> names;
  names.reserve(agent.tools.size() + agent.servers.size());
  for (const ToolDefinition& tool : agent.tools) names.push_back(tool.name);
  for (const agent::McpServer& server : agent.servers) names.push_back(StrCat("mcp:", server.name));
  return names;
}

std::string Indented(std::string_view text) {
  std::string out;
  for (const std::string_view line : Split(text, '\n')) StrAppend(out, "    ", line, "\n");
  return out;
}

std::string Seconds(Duration time) {
  return StrCat(std::chrono::duration_cast<std::chrono::seconds>(time).count(), " s");
}

std::string LimitsText(const flow::Step& step) {
  const Agent& agent = *step.agent;
  std::string out =
      StrCat("limits: ", agent.max_turns, " turns, ", agent.max_tool_calls, " tool calls, ");
  StrAppend(out, agent.max_total_tokens ? StrCat(*agent.max_total_tokens, " tokens, ") : "",
            agent.timeout == Duration::zero() ? "no time limit" : Seconds(agent.timeout), "; ",
            agent.max_nudges, " nudges, ", agent.max_compactions, " compactions\n");
  StrAppend(out, "turns: temperature ", agent.temperature.first, " first, ", agent.temperature.loop,
            " then, ", agent.temperature.last, " from turn ", std::max(agent.max_turns - 1, 1),
            " on; tool_choice ", ChoiceName(agent.tool_choice));
  if (agent.min_tool_confidence) {
    StrAppend(out, "; asked again below a confidence of ", *agent.min_tool_confidence, ", up to ",
              agent.confidence_retries, " times");
  }
  StrAppend(out, "\npolicy: approval ", ApprovalName(agent.approval), ", workspace ",
            ModeName(WorkspaceModeOf(agent)), agent.sandbox ? ", in a sandbox" : "", "\n");
  return out;
}

void WriteTools(json::Writer& out, const Agent& agent) {
  out.PlainKey("tools");
  out.BeginArray();
  for (const ToolDefinition& tool : agent.tools) {
    const ToolFacts facts = FactsOf(tool);
    out.BeginObject();
    out.Field("name", tool.name);
    out.Field("description", facts.description);
    out.PlainKey("parameters");
    out.Value(facts.arguments);
    out.Field(tool.exec.empty() ? "builtin" : "exec",
              tool.exec.empty() ? tool.builtin : Join(tool.exec, " "));
    out.PlainKey("mutates");
    out.Bool(facts.mutates);
    out.EndObject();
  }
  out.EndArray();
  out.PlainKey("mcp");
  out.BeginArray();
  for (const agent::McpServer& server : agent.servers) out.String(server.name);
  out.EndArray();
}

void WriteProblems(json::Writer& out, const FoundAgent& found) {
  out.PlainKey("problems");
  out.BeginArray();
  const auto one = [&](bool warning, std::string_view place, std::string_view message) {
    out.BeginObject();
    out.PlainKey("warning");
    out.Bool(warning);
    out.Field("place", place);
    out.Field("message", message);
    out.EndObject();
  };
  if (found.error && found.problems.empty()) one(false, "", found.error->message);
  for (const flow::Problem& problem : found.problems) {
    one(problem.warning, problem.place, problem.message);
  }
  out.EndArray();
}

}  // namespace

bool FoundAgent::good() const {
  return !error && std::ranges::all_of(problems, &flow::Problem::warning);
}

std::string CheckText(const FoundAgent& found) {
  const Agent& agent = Of(found);
  std::string out = StrCat(found.file, ": agent ", found.node->node->id, ", ",
                           flow::Counted(agent.tools.size(), "tool", "tools"));
  if (!agent.servers.empty()) StrAppend(out, ", ", agent.servers.size(), " MCP servers");
  StrAppend(out, ", ",
            found.problems.empty() ? std::string("all well")
                                   : flow::Counted(found.problems.size(), "warning", "warnings"),
            "\n");
  return Harmless(out);
}

std::string ListText(const std::vector<FoundAgent>& agents) {
  if (agents.empty()) return "no agents here\n";
  std::vector<std::array<std::string, 6>> rows = {
      {"NAME", "FILE", "TOOLS", "TURNS", "WORKSPACE", "STATE"}};
  for (const FoundAgent& found : agents) {
    if (found.node == nullptr) {
      rows.push_back({"-", found.file, "-", "-", "-", StateOf(found)});
      continue;
    }
    const Agent& agent = Of(found);
    const std::string tools = Join(ToolNames(agent), ",");
    rows.push_back({found.node->node->id, found.file, tools.empty() ? "-" : Truncate(tools, 60),
                    StrCat(agent.max_turns), std::string(ModeName(WorkspaceModeOf(agent))),
                    StateOf(found)});
  }
  std::array<std::size_t, 6> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      StrAppend(out, row[i], std::string(widths[i] - row[i].size() + 2, ' '));
    }
    StrAppend(out, row.back(), "\n");
  }
  return Harmless(out);
}

std::string AgentText(const FoundAgent& found) {
  const flow::Step& step = *found.node->step();
  const Agent& agent = *step.agent;
  std::string out = StrCat("agent ", found.node->node->id, " (", found.file, ")\n");
  StrAppend(out, "\nsystem:\n", step.system.empty() ? "    (none)\n" : Indented(step.system.text));
  StrAppend(out, "\nuser:\n",
            step.user.empty() ? "    {{ row | tojson }}\n" : Indented(step.user.text));
  out += "\ntools:\n";
  for (const ToolDefinition& tool : agent.tools) {
    const ToolFacts facts = FactsOf(tool);
    StrAppend(out, "    ", tool.name, ": ",
              facts.description.empty() ? "(no description)" : facts.description, "\n");
    StrAppend(out, "        ", json::Write(facts.arguments), "\n        ", facts.runs,
              facts.mutates ? ", may change files" : ", only looks", ", ", Seconds(tool.timeout),
              "\n");
  }
  for (const agent::McpServer& server : agent.servers) {
    StrAppend(out, "    those of the MCP server ", server.name, ": ",
              server.exec.empty() ? server.url : Join(server.exec, " "), "\n");
  }
  if (agent.tools.empty() && agent.servers.empty()) out += "    (none)\n";
  StrAppend(out, "    ", agent.submit.name, ": ",
            agent.submit.description.empty() ? "hands in the result" : agent.submit.description,
            "\n        ", json::Write(agent.submit.schema), "\n\n");
  return Harmless(StrCat(out, LimitsText(step)));
}

std::string AgentJson(const FoundAgent& found) {
  const flow::Step& step = *found.node->step();
  const Agent& agent = *step.agent;
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("name", found.node->node->id);
  out.Field("file", found.file);
  out.Field("system", step.system.text);
  out.Field("user", step.user.text);
  WriteTools(out, agent);
  out.PlainKey("submit");
  out.BeginObject();
  out.Field("name", agent.submit.name);
  out.PlainKey("schema");
  out.Value(agent.submit.schema);
  out.EndObject();
  out.PlainKey("max_turns");
  out.Int(agent.max_turns);
  out.PlainKey("max_tool_calls");
  out.Int(agent.max_tool_calls);
  if (agent.max_total_tokens) {
    out.PlainKey("max_total_tokens");
    out.Int(*agent.max_total_tokens);
  }
  out.PlainKey("temperature");
  out.BeginObject();
  out.PlainKey("first");
  out.Double(agent.temperature.first);
  out.PlainKey("loop");
  out.Double(agent.temperature.loop);
  out.PlainKey("final");
  out.Double(agent.temperature.last);
  out.EndObject();
  out.Field("tool_choice", ChoiceName(agent.tool_choice));
  out.Field("approval", ApprovalName(agent.approval));
  out.Field("workspace", ModeName(WorkspaceModeOf(agent)));
  out.PlainKey("sandbox");
  out.Bool(agent.sandbox);
  WriteProblems(out, found);
  out.EndObject();
  return text + "\n";
}

std::string AgentsJson(const std::vector<FoundAgent>& agents) {
  std::string text;
  json::Writer out(text);
  out.BeginArray();
  for (const FoundAgent& found : agents) {
    out.BeginObject();
    out.Field("name", found.node == nullptr ? "" : found.node->node->id);
    out.Field("file", found.file);
    out.PlainKey("ok");
    out.Bool(found.good());
    if (found.node != nullptr) {
      const Agent& agent = Of(found);
      out.PlainKey("tools");
      out.BeginArray();
      for (const std::string& name : ToolNames(agent)) out.String(name);
      out.EndArray();
      out.PlainKey("max_turns");
      out.Int(agent.max_turns);
      out.Field("workspace", ModeName(WorkspaceModeOf(agent)));
    }
    WriteProblems(out, found);
    out.EndObject();
  }
  out.EndArray();
  return text + "\n";
}

}  // namespace weir::cli
