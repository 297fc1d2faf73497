// graph.json, and what else is asked of a whole graph.

#include <algorithm>
#include <utility>

#include "weir/flow/graph.h"
#include "weir/flow/graph_edges.h"
#include "weir/flow/names.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

class GraphWriter {
 public:
  explicit GraphWriter(const Graph& graph) : graph_(graph), writer_(out_, {.indent = 2}) {}

  std::string Write() && {
    writer_.BeginObject();
    writer_.Field("name", graph_.flow().name);
    writer_.PlainKey("execution_order");
    writer_.BeginArray();
    WriteAll(graph_.nodes(), {}, {});
    writer_.EndArray();
    writer_.PlainKey("edges");
    writer_.BeginArray();
    for (const Edge& edge : EdgesOf(graph_)) {
      writer_.BeginArray();
      writer_.String(edge.from->node->id);
      writer_.String(edge.to->node->id);
      writer_.EndArray();
    }
    writer_.EndArray();
    writer_.EndObject();
    return std::move(out_);
  }

 private:
  void WriteAll(const Sequence& nodes, std::string_view parent, std::string_view way) {
    for (const GraphNode& node : nodes) {
      WriteOne(node, parent, way);
      for (const Way& inner : node.ways) WriteAll(inner.nodes, node.node->id, inner.name);
    }
  }

  void WriteOne(const GraphNode& node, std::string_view parent, std::string_view way) {
    writer_.BeginObject();
    writer_.Field("id", node.node->id);
    writer_.Field("name", node.node->id);
    writer_.Field("type", TypeName(*node.node));
    if (const Step* step = node.step()) {
      Optional("engine", EngineOf(graph_.flow(), *step));
      Optional("model", step->model);
      Optional("adapter", step->adapter);
      if (step->agent) WriteAgent(*step->agent);
    }
    Optional("parent", parent);
    Optional("way", way);
    if (!node.node->yield) Flag("yield", false);
    if (node.node->barrier) Flag("barrier", true);
    WriteFields(node);
    if (node.parallel() != nullptr) WriteBranches(node);
    writer_.EndObject();
  }

  void WriteFields(const GraphNode& node) {
    const json::View properties =
        node.output ? node.output->source().Find("properties") : json::View();
    if (properties.empty() && node.fields.empty()) return;
    writer_.PlainKey("fields");
    writer_.BeginArray();
    for (const auto& [name, schema] : properties.members()) writer_.String(name);
    for (const auto& [name, expression] : node.fields) writer_.String(name);
    writer_.EndArray();
  }

  void WriteAgent(const agent::Agent& agent) {
    writer_.PlainKey("tools");
    writer_.BeginArray();
    for (const agent::ToolDefinition& tool : agent.tools) writer_.String(tool.name);
    writer_.EndArray();
    if (!agent.servers.empty()) {
      writer_.PlainKey("mcp");
      writer_.BeginArray();
      for (const agent::McpServer& server : agent.servers) writer_.String(server.name);
      writer_.EndArray();
    }
    writer_.Field("submit", agent.submit.name);
    writer_.PlainKey("max_turns");
    writer_.Int(agent.max_turns);
  }

  void WriteBranches(const GraphNode& node) {
    writer_.PlainKey("branches");
    writer_.BeginArray();
    for (const Way& way : node.ways) {
      writer_.BeginObject();
      writer_.Field("name", way.name);
      Optional("join", way.join);
      writer_.EndObject();
    }
    writer_.EndArray();
  }

  void Optional(std::string_view key, std::string_view value) {
    if (!value.empty()) writer_.Field(key, value);
  }
  void Flag(std::string_view key, bool value) {
    writer_.PlainKey(key);
    writer_.Bool(value);
  }

  const Graph& graph_;
  std::string out_;
  json::Writer writer_;
};

}  // namespace

std::vector<std::string> EnginesOf(const Graph& graph) {
  std::vector<std::string> names;
  for (const GraphNode* node : graph.all()) {
    const Step* step = node->step();
    if (step == nullptr) continue;
    std::string name(EngineOf(graph.flow(), *step));
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

bool HasAgents(const Graph& graph) {
  return std::ranges::any_of(graph.all(), [](const GraphNode* node) {
    return node->step() != nullptr && node->step()->agent;
  });
}

std::string GraphJson(const Graph& graph) { return GraphWriter(graph).Write(); }

}  // namespace weir::flow
