#pragma once

// Checker: goes through a graph with the names that stand at each place.

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/flow/check.h"
#include "weir/flow/check_scope.h"

namespace weir::flow {

class Checker {
 public:
  Checker(const Graph& graph, const CheckFacts& facts);

  std::vector<Problem> Check();

 private:
  // One expression or template of a node.
  struct Text {
    const Source& source;
    const GraphNode& node;
    std::string_view key;
  };

  void CheckRowId(const Scope& scope);
  void CheckSchemas();
  void CheckAll(const Sequence& nodes, Scope& scope);
  void CheckNode(const GraphNode& node, Scope& scope);
  void CheckStep(const GraphNode& node, Scope& scope);
  void CheckApply(const GraphNode& node, Scope& scope);
  void CheckOutput(const GraphNode& node, const Types& given);
  void CheckWhere(const GraphNode& node, const Sequence& nodes);
  void CheckParallel(const GraphNode& node, Scope& scope);
  void CheckSwitch(const GraphNode& node, Scope& scope);
  void CheckCases(const GraphNode& node, const Types& on);
  void CheckMap(const GraphNode& node, Scope& scope);
  void CheckHiding(std::string_view name, std::string_view what, const std::string& place);

  // check_reads.cc: what templates and expressions read.
  void CheckNeeds(const Text& text, const text::VariableRead& read, const Types& types);
  void CheckReads(const Text& text, const std::vector<text::VariableRead>& reads,
                  const Scope& scope);
  Types CheckRead(const Text& text, const text::VariableRead& read, const Scope& scope);
  void UnknownName(const Text& text, const text::VariableRead& read, const Scope& scope,
                   const Found& field);
  Types CheckVars(const Text& text, const text::VariableRead& read, const PathStep& step);
  bool TellStep(const Text& text, const text::VariableRead& read, const PathStep& step,
                std::string_view before, const Types& of, const Found& found);
  // The type of an expression that is a path or a constant; anything for the others.
  Types TypeOf(const Text& text, const text::Expression& expression, const Scope& scope);
  // The type of what a list expression gives for each item; `key` must be a list.
  Types ItemTypeOf(const Text& text, const text::Expression& expression, const Scope& scope);
  std::string HiddenReason(const GraphNode& reader, std::string_view name) const;

  // check_engines.cc: engines, profiles, adapters, constraints.
  void CheckFlowEngine();
  void CheckEngine(const GraphNode& node);
  const EngineFacts* EngineNamed(std::string_view name, const std::string& place,
                                 std::string_view what);
  void CheckProfile(const std::string& profile, const std::string& place, std::string_view what);
  void CheckAdapter(const GraphNode& node, std::string_view engine, const EngineFacts& facts);
  void CheckConstraint(const GraphNode& node, std::string_view engine, const EngineFacts& facts);
  void CheckPattern(const GraphNode& node);

  // check_agent.cc: the programs of tools, and whether they may work at all.
  void CheckAgent(const GraphNode& node);
  void CheckProgram(const std::vector<std::string>& argv, const std::string& place,
                    const std::string& what);

  void Tell(bool warning, const std::string& place, std::string message);
  void Tell(bool warning, const Text& text, const text::VariableRead* read,
            std::string_view message);
  // What a way gives: what its last node gave, null where a filter may end it, a list where rows
  // may become several. Empty when none of the nodes gives anything.
  Types ValueOf(const Way& way) const;
  Types LastOf(const Sequence& nodes) const;

  const Graph& graph_;
  const CheckFacts& facts_;
  std::vector<Problem> problems_;
  std::set<std::string, std::less<>> told_;  // of texts, without the line in them
  std::vector<Types> values_;                // by index; empty until the node was gone through
  std::map<std::string, std::string, std::less<>> inside_;  // ids in ways: what they are inside of
};

// "did you mean `x`?", or the names that there are.
std::string Advice(std::string_view word, const std::vector<std::string>& names);

}  // namespace weir::flow
