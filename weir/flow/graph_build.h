#pragma once

// Compiles the nodes of a flow and finds what is wrong with each of them alone.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/graph.h"

namespace weir::flow {

inline constexpr std::size_t kMostNodes = 10'000;
inline constexpr std::size_t kDeepestFlow = 64;  // ways inside each other

// What a step without a `user` asks.
inline constexpr std::string_view kDefaultUser = "{{ row | tojson }}";

class GraphBuilder {
 public:
  // Files that schemas refer to are added to the flow's parts.
  explicit GraphBuilder(Flow& flow) : flow_(flow) {}

  Sequence Build();
  std::optional<schema::Schema> input() const { return input_; }
  const std::vector<Problem>& problems() const { return problems_; }

 private:
  Sequence BuildAll(const Nodes& nodes, std::size_t depth);
  void BuildOne(const Node& node, std::size_t depth, GraphNode& out);
  void BuildStep(const Step& step, GraphNode& out);
  void BuildApply(const Apply& apply, GraphNode& out);
  void BuildParallel(const Parallel& parallel, std::size_t depth, GraphNode& out);
  void BuildSwitch(const Switch& choice, std::size_t depth, GraphNode& out);
  void BuildMap(const Map& map, std::size_t depth, GraphNode& out);

  void CheckProgram(const Program& program, const Node& node);
  void CheckStep(const Step& step, const Node& node);
  // graph_agent.cc
  void CheckAgent(const Step& step, const Node& node);
  void CheckLimits(const agent::Agent& agent, const Node& node);
  void CheckTool(const agent::ToolDefinition& tool, const Node& node, const std::string& place);
  void CheckServers(const agent::Agent& agent, const Node& node);
  // That the name is one and that nothing else has it.
  void Claim(const std::string& name, std::string_view what, const std::string& place);
  void CheckThoughts();

  std::optional<text::Template> CompileTemplate(const Source& source, const Node& node,
                                                std::string_view key);
  std::optional<text::Expression> CompileExpression(const Source& source, const Node& node,
                                                    std::string_view key);
  std::optional<schema::Schema> CompileOutput(const Shape& shape, const Node& node);
  void Wrong(const std::string& place, std::string message);
  void Wrong(const Source& source, const Node& node, std::string message);

  Flow& flow_;
  std::optional<schema::Schema> input_;
  std::vector<Problem> problems_;
  std::map<std::string, std::string, std::less<>> names_;  // and where each is given
  std::size_t count_ = 0;
};

}  // namespace weir::flow
