#include <algorithm>

#include "weir/base/text.h"
#include "weir/flow/checker.h"
#include "weir/flow/names.h"
#include "weir/schema/grammar.h"
#include "weir/schema/pattern.h"

namespace weir::flow {

void Checker::CheckFlowEngine() {
  const Flow& flow = graph_.flow();
  CheckProfile(flow.profile, flow.file, "the flow");
  if (!flow.engine.empty() && facts_.engine.empty()) {
    EngineNamed(flow.engine, flow.file, "the flow");
  }
}

const EngineFacts* Checker::EngineNamed(std::string_view name, const std::string& place,
                                        std::string_view what) {
  if (!facts_.knows_engines) return nullptr;
  const std::string wanted(name.empty() ? std::string_view(facts_.default_engine) : name);
  if (wanted.empty()) {
    Tell(false, place,
         StrCat(what,
                " names no engine, and there is no default one; write engine: "
                "NAME, or set routes.default in weir.yaml"));
    return nullptr;
  }
  const auto at = facts_.engines.find(wanted);
  if (at != facts_.engines.end()) return &at->second;
  std::vector<std::string> names;
  names.reserve(facts_.engines.size());
  for (const auto& [known, unused] : facts_.engines) names.push_back(known);
  Tell(false, place,
       StrCat(what, " asks the engine ", Truncate(wanted, 60),
              ", which the configuration does not have; ",
              names.empty() ? std::string() : Advice(wanted, names) + "; ",
              "add it to `engines` of weir.yaml, or ask another one instead with -e"));
  return nullptr;
}

void Checker::CheckProfile(const std::string& profile, const std::string& place,
                           std::string_view what) {
  if (profile.empty() || !facts_.knows_engines) return;
  if (std::ranges::find(facts_.profiles, profile) != facts_.profiles.end()) return;
  Tell(false, place,
       StrCat(what, " takes the profile ", Truncate(profile, 60),
              ", which the configuration does not have; ",
              facts_.profiles.empty() ? "add it to `profiles`" : Advice(profile, facts_.profiles)));
}

void Checker::CheckEngine(const GraphNode& node) {
  const Step& step = *node.step();
  const std::string what = StrCat(TypeName(*node.node), " ", node.node->id);
  CheckPattern(node);
  CheckProfile(step.profile, node.node->place, what);
  const bool replaced = !facts_.engine.empty();
  const std::string_view engine = replaced ? facts_.engine : EngineOf(graph_.flow(), step);
  // One that the flow names was told once, and one that stands in for all is told by who opens it.
  const bool told = replaced ? !facts_.engines.contains(facts_.engine)
                             : step.engine.empty() && !graph_.flow().engine.empty() &&
                                   !facts_.engines.contains(graph_.flow().engine);
  if (told) return;
  const EngineFacts* facts = EngineNamed(engine, node.node->place, what);
  if (facts == nullptr) return;
  const std::string_view name = engine.empty() ? facts_.default_engine : engine;
  CheckAdapter(node, name, *facts);
  CheckConstraint(node, name, *facts);
}

void Checker::CheckAdapter(const GraphNode& node, std::string_view engine,
                           const EngineFacts& facts) {
  const std::string& adapter = node.step()->adapter;
  // Where none is named the server may have it, and where some are, another may still be there.
  if (adapter.empty() || (facts.loads_adapters && facts.adapters.empty())) return;
  if (std::ranges::find(facts.adapters, adapter) != facts.adapters.end()) return;
  Tell(facts.loads_adapters, node.node->place,
       StrCat(TypeName(*node.node), " ", node.node->id, " wants the adapter ",
              Truncate(adapter, 60), ", which ", engine, " does not have; ",
              facts.adapters.empty() ? "servers of its kind have none: leave it away"
                                     : Advice(adapter, facts.adapters)));
}

void Checker::CheckConstraint(const GraphNode& node, std::string_view engine,
                              const EngineFacts& facts) {
  const Step& step = *node.step();
  using Kind = model::Constraint::Kind;
  if (step.agent || (!step.output.schema && !step.constraint)) return;
  const Kind kind = step.constraint ? step.constraint->kind : Kind::kJsonSchema;
  const auto lack = facts.lacks.find(std::string(model::ConstraintName(kind)));
  if (lack == facts.lacks.end()) return;
  const std::string& place =
      step.constraint || step.output.place.empty() ? node.node->place : step.output.place;
  Tell(false, place,
       StrCat("step ", node.node->id, " binds its answer by ",
              kind == Kind::kJsonSchema ? "`output`" : model::ConstraintName(kind), ", which ",
              engine, " (", facts.kind, ") cannot do: ", lack->second,
              "; bind it in another way, or ask another engine"));
}

void Checker::CheckPattern(const GraphNode& node) {
  const auto& constraint = node.step()->constraint;
  if (!constraint) return;
  using Kind = model::Constraint::Kind;
  const std::string what = StrCat("of step ", node.node->id);
  if (constraint->kind == Kind::kRegex) {
    const auto pattern = schema::Pattern::Compile(constraint->text);
    if (pattern) return;
    const bool broken = pattern.error().code == Code::kInvalidPattern;
    Tell(!broken, node.node->place,
         StrCat("`regex` ", what,
                broken ? " is wrong: " : " cannot be verified here: ", pattern.error().message));
  } else if (constraint->kind == Kind::kGrammar) {
    const bool gbnf = schema::DetectGrammar(constraint->text) == schema::GrammarDialect::kGbnf;
    const auto grammar =
        gbnf ? schema::ParseGbnf(constraint->text) : schema::ParseLark(constraint->text);
    if (grammar) return;
    Tell(true, node.node->place,
         StrCat("`grammar` ", what, " cannot be verified here: ", grammar.error().message));
  }
}

}  // namespace weir::flow
