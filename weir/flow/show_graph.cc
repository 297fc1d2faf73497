// The same graph for Graphviz and for Mermaid.

#include "weir/base/text.h"
#include "weir/flow/graph_edges.h"
#include "weir/flow/show.h"
#include "weir/flow/show_label.h"

namespace weir::flow {
namespace {

// Both take quoted labels; neither may end early in one.
std::string DotText(std::string_view text) {
  std::string out;
  for (const char c : Plain(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string MermaidText(std::string_view text) {
  std::string out;
  for (const char c : Plain(text)) {
    switch (c) {
      case '"':
        out += "#quot;";
        break;
      case '#':
        out += "#35;";
        break;
      case '<':
        out += "#lt;";
        break;
      case '>':
        out += "#gt;";
        break;
      case '`':
        out += "#96;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string_view DotShape(const GraphNode& node) {
  if (node.step() != nullptr) return "box";
  if (node.apply() != nullptr) return "ellipse";
  if (node.as_switch() != nullptr) return "diamond";
  return node.map() != nullptr ? "box3d" : "trapezium";
}

struct Brackets {
  std::string_view open;
  std::string_view close;
};

Brackets MermaidShape(const GraphNode& node) {
  if (node.step() != nullptr) return {"[\"", "\"]"};
  if (node.apply() != nullptr) return {"([\"", "\"])"};
  if (node.as_switch() != nullptr) return {"{\"", "\"}"};
  if (node.map() != nullptr) return {"[[\"", "\"]]"};
  return {"[/\"", "\"\\]"};
}

std::string LabelOf(const Graph& graph, const GraphNode& node) {
  return StrCat(NodeLabel(node), EngineLabel(graph, node));
}

}  // namespace

std::string ShowDot(const Graph& graph) {
  std::string out = StrCat("digraph \"", DotText(graph.flow().name), "\" {\n");
  for (const GraphNode* node : graph.all()) {
    StrAppend(out, "  n", node->index, " [shape=", DotShape(*node), ", label=\"",
              DotText(LabelOf(graph, *node)), "\"];\n");
  }
  for (const Edge& edge : EdgesOf(graph)) {
    StrAppend(out, "  n", edge.from->index, " -> n", edge.to->index);
    if (!edge.label.empty()) StrAppend(out, " [label=\"", DotText(edge.label), "\"]");
    out += ";\n";
  }
  return StrCat(out, "}\n");
}

std::string ShowMermaid(const Graph& graph) {
  std::string out = "flowchart TD\n";
  for (const GraphNode* node : graph.all()) {
    const Brackets shape = MermaidShape(*node);
    StrAppend(out, "  n", node->index, shape.open, MermaidText(LabelOf(graph, *node)), shape.close,
              "\n");
  }
  for (const Edge& edge : EdgesOf(graph)) {
    StrAppend(out, "  n", edge.from->index, " -->");
    if (!edge.label.empty()) StrAppend(out, "|\"", MermaidText(edge.label), "\"|");
    StrAppend(out, " n", edge.to->index, "\n");
  }
  return out;
}

}  // namespace weir::flow
