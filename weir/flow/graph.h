#pragma once

// Graph: a flow compiled for rows: every template, expression and schema is read once, every node
// has a number, and names are known. What the names mean is check.h's business.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/flow/flow.h"
#include "weir/schema/schema.h"
#include "weir/text/template.h"

namespace weir::flow {

struct GraphNode;
using Sequence = std::vector<GraphNode>;  // nodes one after another

// A way through some nodes: a branch, a case, the inside of a map.
struct Way {
  std::string name;  // of the branch; the case as JSON; "default"; empty in a map
  std::string join;  // branches only
  Sequence nodes;
};

struct GraphNode {
  const Node* node = nullptr;  // a part of the graph's flow
  std::size_t index = 0;       // depth first from 0; the ways of a node come behind it
  std::vector<Way> ways;       // of parallel, switch (the default last) and map

  // What is compiled of it; unset where the node has none.
  std::optional<text::Template> system;
  std::optional<text::Template> user;
  std::vector<text::Expression> media;
  std::optional<text::Expression> expression;                    // where, each, on, over
  std::vector<std::pair<std::string, text::Expression>> fields;  // set
  std::optional<schema::Schema> output;

  const Step* step() const { return std::get_if<Step>(&node->what); }
  const Apply* apply() const { return std::get_if<Apply>(&node->what); }
  const Parallel* parallel() const { return std::get_if<Parallel>(&node->what); }
  const Switch* as_switch() const { return std::get_if<Switch>(&node->what); }
  const Map* map() const { return std::get_if<Map>(&node->what); }
  // Whether it gives a value of its own that may be written.
  bool writes() const { return node->yield && (step() != nullptr || GivesRows()); }

 private:
  bool GivesRows() const { return apply() != nullptr && apply()->where.empty(); }
};

// Something wrong with a flow.
struct Problem {
  bool warning = false;
  std::string place;    // "flow.yaml:12:5"; may be empty
  std::string message;  // what is wrong and what to do
};

// "flow.yaml:12:5: message", for each on a line of its own.
std::string Describe(const std::vector<Problem>& problems);

class Graph {
 public:
  // Fails with kConfigError and every problem of syntax: templates, expressions, schemas, ids that
  // occur twice or are no names.
  static Result<Graph> Compile(Flow flow);
  // The same, but whatever is wrong is left out of the graph and added to `problems`: good to be
  // looked at, not to be run.
  static Graph Compile(Flow flow, std::vector<Problem>& problems);

  const Flow& flow() const { return *flow_; }
  const Sequence& nodes() const { return nodes_; }
  const std::optional<schema::Schema>& input() const { return input_; }
  // Every node, by its index.
  const std::vector<const GraphNode*>& all() const { return all_; }
  const GraphNode* Find(std::string_view id) const;

 private:
  Graph() = default;

  std::unique_ptr<const Flow> flow_;  // nodes point into it
  Sequence nodes_;
  std::optional<schema::Schema> input_;
  std::vector<const GraphNode*> all_;
};

// The engines that the steps name, each once, in the order of the nodes; "" where a step and the
// flow name none.
std::vector<std::string> EnginesOf(const Graph& graph);

// Whether one of its steps is an agent.
bool HasAgents(const Graph& graph);

// graph.json: {"name", "execution_order": [{"id", "name", "type", ...}], "edges": [...]}. The same
// graph gives the same bytes, whether YAML or C++ made it.
std::string GraphJson(const Graph& graph);

}  // namespace weir::flow
