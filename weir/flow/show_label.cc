#include "weir/flow/show_label.h"

#include <vector>

#include "weir/base/text.h"
#include "weir/flow/check_types.h"
#include "weir/flow/names.h"

namespace weir::flow {
namespace {

constexpr std::size_t kLongest = 60;

std::string Short(std::string_view text) { return Truncate(Plain(text), kLongest); }

// "lint (tools: run_linter, apply_fix; <= 15 turns)"
std::string AgentLabel(const agent::Agent& agent, const std::string& id) {
  std::vector<std::string> tools;
  for (const agent::ToolDefinition& tool : agent.tools) tools.push_back(tool.name);
  std::vector<std::string> servers;
  for (const agent::McpServer& server : agent.servers) servers.push_back(server.name);
  std::string parts = tools.empty() ? "" : StrCat("tools: ", Short(Join(tools, ", ")), "; ");
  if (!servers.empty()) StrAppend(parts, "mcp: ", Short(Join(servers, ", ")), "; ");
  if (parts.empty()) parts = "no tools; ";
  return StrCat("agent ", id, " (", parts, "<= ", agent.max_turns, " turns)");
}

std::string ApplyLabel(const Apply& apply, const std::string& id) {
  if (!apply.where.empty()) return StrCat("filter ", id, ": ", Short(apply.where.text));
  if (!apply.each.empty()) return StrCat("each ", id, ": ", Short(apply.each.text));
  if (apply.program) return StrCat("exec ", id, ": ", Short(Join(apply.program->argv, " ")));
  return StrCat("set ", id);
}

}  // namespace

std::string Plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
    if (!blank) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  return std::string(Trim(out));
}

std::string NodeLabel(const GraphNode& node) {
  const std::string& id = node.node->id;
  if (node.apply() != nullptr) return ApplyLabel(*node.apply(), id);
  if (node.parallel() != nullptr) return StrCat("parallel x", node.ways.size(), " ", id);
  if (node.as_switch() != nullptr) {
    return StrCat("switch ", id, ": ", Short(node.as_switch()->on.text));
  }
  if (node.map() != nullptr) {
    return StrCat("map ", id, ": ", node.map()->as, " of ", Short(node.map()->over.text));
  }
  const Step* step = node.step();
  if (step != nullptr && step->agent) return AgentLabel(*step->agent, id);
  return StrCat("step ", id);
}

std::string EngineLabel(const Graph& graph, const GraphNode& node) {
  const Step* step = node.step();
  if (step == nullptr) return {};
  const std::string_view engine = EngineOf(graph.flow(), *step);
  std::string label = StrCat(" [", engine.empty() ? "default engine" : engine);
  if (!step->model.empty()) StrAppend(label, ", model ", Short(step->model));
  if (!step->adapter.empty()) StrAppend(label, ", adapter ", Short(step->adapter));
  return StrCat(label, "]");
}

std::string FieldsLabel(const GraphNode& node, std::string_view arrow) {
  std::vector<std::string> names;
  if (node.output) names = MembersOf(SchemaType(*node.output));
  if (!node.output) {
    for (const auto& [name, field] : node.fields) names.push_back(name);
  }
  const Step* step = node.step();
  if (names.empty() && step != nullptr && !node.output) {
    const std::string_view bound =
        step->constraint ? model::ConstraintName(step->constraint->kind) : "text";
    return StrCat(" ", arrow, " ", bound);
  }
  if (names.empty()) return {};
  return StrCat(" ", arrow, " ", Truncate(Plain(Join(names, ", ")), kLongest));
}

std::string FlagsLabel(const GraphNode& node) {
  std::string label;
  if (!node.node->yield) label = "not written";
  if (node.node->barrier) StrAppend(label, label.empty() ? "" : ", ", "waits for all rows");
  return label.empty() ? label : StrCat(" (", label, ")");
}

std::string WayLabel(const GraphNode& node, const Way& way, std::string_view arrow) {
  if (node.parallel() != nullptr) {
    return StrCat("branch ", way.name, way.join.empty() ? "" : StrCat(" ", arrow, " ", way.join));
  }
  if (way.name == "default" && &way == &node.ways.back() && node.as_switch()->otherwise) {
    return way.name;
  }
  const auto at = static_cast<std::size_t>(&way - node.ways.data());
  return StrCat("case ", Short(TextForm(node.as_switch()->cases[at].equals)));
}

}  // namespace weir::flow
