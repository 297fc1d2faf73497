#include "weir/flow/check.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/check_keywords.h"
#include "weir/flow/check_schema.h"
#include "weir/flow/checker.h"
#include "weir/flow/names.h"

namespace weir::flow {
namespace {

// "branch fr of parallel_1", for each node inside of it.
void NoteInside(const GraphNode& node, std::map<std::string, std::string, std::less<>>& inside) {
  for (const Way& way : node.ways) {
    std::string what = StrCat("map ", node.node->id);
    if (node.parallel() != nullptr) what = StrCat("branch ", way.name);
    if (node.as_switch() != nullptr) what = StrCat("a case of switch ", node.node->id);
    for (const GraphNode& inner : way.nodes) {
      inside.emplace(inner.node->id, what);
      NoteInside(inner, inside);
    }
  }
}

bool IsFilter(const GraphNode& node) {
  return node.apply() != nullptr && !node.apply()->where.empty();
}

bool WritesAny(const Sequence& nodes) {
  return std::ranges::any_of(nodes, [](const GraphNode& node) {
    return node.writes() ||
           std::ranges::any_of(node.ways, [](const Way& way) { return WritesAny(way.nodes); });
  });
}

}  // namespace

std::vector<Problem> CheckFlow(const Graph& graph, const CheckFacts& facts) {
  return Checker(graph, facts).Check();
}

Checker::Checker(const Graph& graph, const CheckFacts& facts)
    : graph_(graph), facts_(facts), values_(graph.all().size()) {
  for (const GraphNode& node : graph.nodes()) NoteInside(node, inside_);
}

std::vector<Problem> Checker::Check() {
  CheckFlowEngine();
  Scope scope(graph_.input() ? SchemaType(*graph_.input()) : Anything());
  CheckRowId(scope);
  CheckSchemas();
  CheckAll(graph_.nodes(), scope);
  if (!WritesAny(graph_.nodes())) {
    Tell(true, graph_.flow().file, "no node writes anything: every step has `yield: false`");
  }
  return std::move(problems_);
}

void Checker::CheckSchemas() {
  const Flow& flow = graph_.flow();
  if (flow.input.schema) CheckKeywords(*flow.input.schema, "`input`", flow.input.place, problems_);
  for (const GraphNode* node : graph_.all()) {
    const Shape* shape = node->step() != nullptr    ? &node->step()->output
                         : node->apply() != nullptr ? &node->apply()->output
                                                    : nullptr;
    if (shape == nullptr || !shape->schema) continue;
    CheckKeywords(*shape->schema, StrCat("`output` of ", node->node->id),
                  shape->place.empty() ? node->node->place : shape->place, problems_);
  }
}

void Checker::CheckRowId(const Scope& scope) {
  const Flow& flow = graph_.flow();
  if (flow.id.empty() || !graph_.input()) return;
  const Found found = Follow(scope.row(), {.key = flow.id});
  const std::string what = StrCat("`id: ", Truncate(flow.id, 60), "`");
  if (found.presence > Found::Presence::kMaybe) {
    Tell(
        found.presence == Found::Presence::kUnknown, flow.file,
        StrCat(what, " is no field that `input` names; ", Advice(flow.id, MembersOf(scope.row()))));
  } else if (found.presence == Found::Presence::kMaybe) {
    Tell(true, flow.file,
         StrCat(what, " may be missing from a row, which then fails; add it to ",
                "`required` of `input`"));
  }
}

void Checker::Tell(bool warning, const std::string& place, std::string message) {
  problems_.push_back({.warning = warning, .place = place, .message = std::move(message)});
}

Types Checker::LastOf(const Sequence& nodes) const {
  Types last;
  for (const GraphNode& node : nodes) {
    if (IsFilter(node)) continue;
    if (node.parallel() == nullptr) {
      last = values_[node.index];
      continue;
    }
    for (const Way& way : node.ways) {
      if (!way.join.empty()) last = ValueOf(way);
    }
  }
  return last;
}

Types Checker::ValueOf(const Way& way) const {
  Types value = LastOf(way.nodes);
  const bool several = std::ranges::any_of(way.nodes, [](const GraphNode& node) {
    const Apply* apply = node.apply();
    return apply != nullptr && (!apply->each.empty() || apply->program);
  });
  if (several) return ListType(value.empty() ? Anything() : std::move(value));
  if (!value.empty() && std::ranges::any_of(way.nodes, IsFilter)) {
    AddTypes(value, ConstantType(json::Value()));
  }
  return value;
}

void Checker::CheckAll(const Sequence& nodes, Scope& scope) {
  for (const GraphNode& node : nodes) {
    CheckNode(node, scope);
    if (IsFilter(node)) CheckWhere(node, nodes);
  }
}

void Checker::CheckNode(const GraphNode& node, Scope& scope) {
  if (node.step() != nullptr) CheckStep(node, scope);
  if (node.apply() != nullptr) CheckApply(node, scope);
  if (node.parallel() != nullptr) CheckParallel(node, scope);
  if (node.as_switch() != nullptr) CheckSwitch(node, scope);
  if (node.map() != nullptr) CheckMap(node, scope);
  if (values_[node.index].empty()) values_[node.index] = Anything();
}

void Checker::CheckHiding(std::string_view name, std::string_view what, const std::string& place) {
  if (!graph_.input()) return;
  const std::vector<std::string> fields = MembersOf(SchemaType(*graph_.input()));
  if (std::ranges::find(fields, name) == fields.end()) return;
  Tell(true, place,
       StrCat(what, " ", name, " hides the field `", name,
              "` of the row from the nodes behind it; they find it as `row.", name,
              "`, or rename one of them"));
}

void Checker::CheckStep(const GraphNode& node, Scope& scope) {
  const Step& step = *node.step();
  const std::string& id = node.node->id;
  if (node.system) CheckReads({step.system, node, "system"}, node.system->reads(), scope);
  if (node.user) CheckReads({step.user, node, "user"}, node.user->reads(), scope);
  for (std::size_t i = 0; i < node.media.size() && i < step.media.size(); ++i) {
    const Text text = {step.media[i], node, "media"};
    const Types types = TypeOf(text, node.media[i], scope);
    constexpr schema::TypeMask kFits = schema::kString | schema::kArray | schema::kNull;
    if ((KindsOf(types) & kFits) == 0) {
      Tell(false, text, nullptr,
           StrCat("gives ", KindWords(KindsOf(types)),
                  "; it must be a path or an address, or a list of them"));
    }
  }
  CheckEngine(node);
  if (step.agent) CheckAgent(node);
  Types value = TextType();
  if (node.output) {
    value = SchemaType(*node.output);
  } else if (step.constraint) {
    using Kind = model::Constraint::Kind;
    const Kind kind = step.constraint->kind;
    if (kind == Kind::kChoice) value = TextType(step.constraint->choices);
    if (kind == Kind::kJsonObject || kind == Kind::kJsonSchema) value = Anything();
  }
  values_[node.index] = value;
  CheckHiding(id, TypeName(*node.node), node.node->place);
  scope.Add(id, KnownName::Kind::kNode, std::move(value));
  scope.Add(StrCat(id, "_reasoning"), KnownName::Kind::kThoughts, TextType());
}

void Checker::CheckApply(const GraphNode& node, Scope& scope) {
  const Apply& apply = *node.apply();
  Types value = Anything();
  if (!apply.where.empty()) {
    if (node.expression) {
      CheckReads({apply.where, node, "where"}, node.expression->reads(), scope);
    }
    return;
  }
  if (!apply.each.empty() && node.expression) {
    value = ItemTypeOf({apply.each, node, "each"}, *node.expression, scope);
  }
  if (!apply.set.empty()) {
    value[0].kind = Type::Kind::kObject;
    for (const auto& [name, source] : apply.set) {
      const auto field =
          std::ranges::find(node.fields, name, &std::pair<std::string, text::Expression>::first);
      Types its = field == node.fields.end() ? Anything()
                                             : TypeOf({source, node, name}, field->second, scope);
      value[0].members.emplace_back(name, std::move(its));
    }
  }
  if (apply.program) {
    CheckProgram(apply.program->argv, node.node->place, StrCat("`exec` of ", node.node->id));
  }
  if (node.output) {
    CheckOutput(node, value);
    value = SchemaType(*node.output);
  }
  values_[node.index] = value;
  CheckHiding(node.node->id, "apply", node.node->place);
  scope.Add(node.node->id, KnownName::Kind::kNode, std::move(value));
}

// What an apply gives, against what it says that it gives.
void Checker::CheckOutput(const GraphNode& node, const Types& given) {
  const bool each = !node.apply()->each.empty();
  const std::string why =
      Misfit(node.output->compiled(), given, each ? "each item" : "what `set` gives");
  if (why.empty()) return;
  Tell(false, node.node->place,
       StrCat("`output` of ", node.node->id, " is never obeyed, and every ", each ? "item" : "row",
              " fails: ", why));
}

// `nodes` are those among which the filter stands.
void Checker::CheckWhere(const GraphNode& node, const Sequence& nodes) {
  if (!node.expression || !node.expression->reads().empty()) return;
  const auto truth = node.expression->Truth({});
  if (!truth) return;
  const Text text = {node.apply()->where, node, "where"};
  if (*truth) return Tell(true, text, nullptr, "is always true: the filter keeps every row");
  std::vector<std::string> behind;
  for (const GraphNode& other : nodes) {
    if (other.index > node.index) behind.push_back(other.node->id);
  }
  const std::string rest = Truncate(Join(behind, ", "), 200);
  Tell(false, text, nullptr,
       behind.empty() ? "is never true: no row is kept; mend the condition or take it away"
                      : StrCat("is never true, so that nothing reaches ", rest,
                               "; mend the condition or take these nodes away"));
}

void Checker::CheckParallel(const GraphNode& node, Scope& scope) {
  const Scope before = scope;
  for (std::size_t i = 0; i < node.ways.size(); ++i) {
    const Way& way = node.ways[i];
    const std::string& place = node.parallel()->branches[i].place;
    Scope inner = before;
    CheckAll(way.nodes, inner);
    if (!way.join.empty()) {
      Types value = ValueOf(way);
      if (value.empty()) {
        Tell(false, place,
             StrCat("branch ", way.name, " joins as ", way.join,
                    ", but none of its nodes gives a value; add a step, or a `set`"));
        value = Anything();
      }
      CheckHiding(way.join, "the join", place);
      scope.Add(way.join, KnownName::Kind::kJoin, std::move(value));
    } else if (!WritesAny(way.nodes)) {
      Tell(true, place,
           StrCat("nothing sees what branch ", way.name,
                  " gives: it has no `join`, and none of its nodes is written; give "
                  "it a join, or take a `yield: false` away"));
    }
  }
}

void Checker::CheckSwitch(const GraphNode& node, Scope& scope) {
  const Switch& choice = *node.as_switch();
  if (node.expression) {
    const Text text = {choice.on, node, "on"};
    const Types on = TypeOf(text, *node.expression, scope);
    constexpr schema::TypeMask kParts = schema::kArray | schema::kObject;
    if (const auto kinds = KindsOf(on); (kinds & ~kParts) == 0) {
      Tell(false, text, nullptr,
           StrCat("is ", KindWords(kinds), "; a switch looks at a text, a number, true or false"));
    } else {
      CheckCases(node, on);
    }
  }
  const Scope before = scope;
  Types value;
  for (const Way& way : node.ways) {
    Scope inner = before;
    CheckAll(way.nodes, inner);
    const Types its = ValueOf(way);
    AddTypes(value, its.empty() ? ConstantType(json::Value()) : its);
  }
  if (value.empty()) value = Anything();
  values_[node.index] = value;
  CheckHiding(node.node->id, "switch", node.node->place);
  scope.Add(node.node->id, KnownName::Kind::kNode, std::move(value));
}

void Checker::CheckCases(const GraphNode& node, const Types& on) {
  const Switch& choice = *node.as_switch();
  const auto values = ValuesOf(on);
  const schema::TypeMask kinds = KindsOf(on);
  schema::TypeMask cased = 0;
  std::vector<std::string> seen;
  for (const Case& one : choice.cases) {
    const std::string text = TextForm(one.equals);
    const std::string number = NumberForm(text);
    const std::string& place = one.place.empty() ? node.node->place : one.place;
    const std::string never =
        StrCat("case ", Truncate(text, 60), " of switch ", node.node->id, " is never reached: ");
    const std::string read = StrCat("`", Truncate(choice.on.text, 60), "`");
    const schema::TypeMask its_kinds = KindsOfCase(one.equals);
    if (std::ranges::find(seen, text) != seen.end()) {
      Tell(false, place, StrCat(never, "there is one for the same value before it"));
    } else if (values && std::ranges::find(*values, text) == values->end() &&
               std::ranges::find(*values, number) == values->end()) {
      Tell(false, place,
           StrCat(never, read, " is one of ", Truncate(Join(*values, ", "), 200), "; ",
                  Advice(text, *values)));
    } else if (!values && (its_kinds & kinds) == 0) {
      Tell(false, place,
           StrCat(never, read, " is ", KindWords(kinds), "; mend the case or take it away"));
    }
    cased |= its_kinds;
    seen.push_back(text);
    if (number != text) seen.push_back(number);
  }
  if (choice.otherwise) return;
  std::string missing;
  if (!values) {
    const bool known = kinds != schema::kAnyType && (kinds & ~cased) != 0;
    if (known) missing = KindWords(kinds & ~cased);
  } else {
    std::vector<std::string> left;
    for (const std::string& value : *values) {
      if (std::ranges::find(seen, value) == seen.end()) left.push_back(value);
    }
    missing = Truncate(Join(left, ", "), 200);
  }
  if (missing.empty()) return;
  Tell(true, {choice.on, node, "on"}, nullptr,
       StrCat("may be ", missing,
              ", which no case is for: such a row fails; add the case, or a `default`"));
}

void Checker::CheckMap(const GraphNode& node, Scope& scope) {
  const Map& map = *node.map();
  const std::string& id = node.node->id;
  const std::string& place = node.node->place;
  Types item = Anything();
  if (node.expression) {
    item = ItemTypeOf({map.over, node, "over"}, *node.expression, scope);
  }
  if (graph_.Find(map.as) != nullptr) {
    Tell(false, place,
         StrCat("`as: ", map.as, "` of map ", id,
                " is the name of a node, too: call the item something else"));
  } else if (const KnownName* known = scope.Find(map.as)) {
    Tell(true, place,
         StrCat("`as: ", map.as, "` of map ", id, " hides ",
                known->kind == KnownName::Kind::kItem ? "the item of the map around it"
                                                      : "a join of that name",
                ": call the item something else"));
  }
  CheckHiding(map.as, "the item", place);
  Scope inner = scope;
  inner.Add(map.as, KnownName::Kind::kItem, std::move(item));
  inner.Add("index", KnownName::Kind::kItem, ConstantType(json::Value::Of(0)));
  Types value = Anything();
  for (const Way& way : node.ways) {
    CheckAll(way.nodes, inner);
    Types last = LastOf(way.nodes);
    if (last.empty()) {
      Tell(false, place,
           StrCat("none of the nodes in map ", id, " gives a value; add a step, or a `set`"));
      last = Anything();
    }
    value = ListType(std::move(last));
  }
  values_[node.index] = value;
  CheckHiding(id, "map", place);
  scope.Add(id, KnownName::Kind::kNode, std::move(value));
}

}  // namespace weir::flow
