#include "weir/schema/generate_demand.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::schema {
namespace {

// Nodes that may apply to one value.
constexpr std::size_t kMaxFacts = 2000;

}  // namespace

bool DemandMaker::Blocked(NodeIndex node, std::string_view keyword, std::string sentence) {
  obstacle_ = {.node = node, .keyword = std::string(keyword), .sentence = std::move(sentence)};
  return false;
}

bool DemandMaker::BlockedInside(NodeIndex node) {
  const auto barren = [&](NodeIndex part) { return part != kNone && outlines_[part].types() == 0; };
  std::string reason;
  std::vector<bool> seen(compiled_.nodes.size());
  while (!seen[node]) {
    seen[node] = true;
    const Node& here = compiled_[node];
    if (here.types == 0) {
      return Blocked(node, "", StrCat(reason, "the schema `false` accepts nothing"));
    }
    if (here.values != kNone && compiled_.values[here.values].values.empty()) {
      return Blocked(node, "enum", StrCat(reason, "the list of allowed values is empty"));
    }
    NodeIndex next = kNone;
    if (here.logic != kNone) {
      const LogicRules& logic = compiled_.logic[here.logic];
      if (barren(logic.ref)) next = logic.ref;
      const auto part = std::ranges::find_if(logic.all_of, barren);
      if (part != logic.all_of.end()) next = *part;
    }
    if (here.object != kNone && here.types == kObject) {
      const ObjectRules& rules = compiled_.objects[here.object];
      for (const ObjectRules::Property& property : rules.properties) {
        const NodeIndex value = property.node != kNone ? property.node : rules.additional;
        if (!property.required || !barren(value)) continue;
        reason = StrCat("the property \"", property.key, "\" is required, and ");
        next = value;
      }
    }
    if (here.array != kNone && here.types == kArray) {
      const ArrayRules& rules = compiled_.arrays[here.array];
      const auto item = std::ranges::find_if(rules.prefix, barren);
      if (item != rules.prefix.end()) next = *item;
      if (next == kNone && barren(rules.items)) next = rules.items;
    }
    if (next == kNone) {
      return Blocked(node, "", StrCat(reason, "nothing obeys all parts of this schema"));
    }
    node = next;
  }
  return Blocked(node, "",
                 "this schema asks for itself once more inside every instance, so that "
                 "none ever ends");
}

bool DemandMaker::Make(std::span<const Part> parts, std::uint32_t depth_left, Demand& demand) {
  depth_left_ = depth_left;
  nesting_ = 0;
  ifs_ = 0;
  choices_.clear();
  for (const Part part : parts) {
    if (!part.negative && !Add(demand, part.node, kNone)) return false;
  }
  for (const Part part : parts) {
    if (!part.negative) continue;
    demand.check = true;
    choices_.push_back({.kind = Kind::kNot, .node = part.node, .fact = kNone});
  }
  while (!choices_.empty()) {
    const auto next = std::ranges::min_element(choices_, {}, &Choice::kind);
    const Choice choice = *next;
    choices_.erase(next);
    if (!Choose(demand, choice)) return false;
  }
  return true;
}

bool DemandMaker::Add(Demand& demand, NodeIndex index, std::uint32_t parent) {
  const Node& node = compiled_[index];
  if (node.accepts_all) return true;
  if (node.types == 0) return Blocked(index, "", "the schema `false` accepts nothing");
  const TypeMask possible = outlines_[index].types();
  if ((node.types & demand.types) == 0) {
    return Blocked(index, "type", "no type is left that all schemas of this value accept");
  }
  if (possible == 0) return BlockedInside(index);
  if ((possible & demand.types) == 0) {
    return Blocked(index, "", "this schema contradicts the others that this value must obey");
  }
  if (demand.facts.size() >= kMaxFacts) {
    return Blocked(index, "", StrCat("more than ", kMaxFacts, " schemas apply to one value"));
  }
  demand.types &= possible;
  const auto fact = static_cast<std::uint32_t>(demand.facts.size());
  demand.facts.push_back({.node = index, .parent = parent});
  AddRules(demand, node);
  return AddLogic(demand, node, fact);
}

void DemandMaker::AddRules(Demand& demand, const Node& node) const {
  if (node.number != kNone) {
    const NumberRules& rules = compiled_.numbers[node.number];
    NumberDemand& number = demand.number;
    if (rules.minimum.exists()) number.lower.push_back({rules.minimum, false});
    if (rules.exclusive_minimum.exists()) number.lower.push_back({rules.exclusive_minimum, true});
    if (rules.maximum.exists()) number.upper.push_back({rules.maximum, false});
    if (rules.exclusive_maximum.exists()) number.upper.push_back({rules.exclusive_maximum, true});
    if (rules.multiple_of.exists()) number.multiples.push_back(rules.multiple_of);
  }
  if (node.string != kNone) {
    const StringRules& rules = compiled_.strings[node.string];
    demand.text.min_length = std::max(demand.text.min_length, rules.min_length);
    demand.text.max_length = std::min(demand.text.max_length, rules.max_length);
    if (rules.pattern != kNone) demand.text.patterns.push_back(rules.pattern);
    if (!rules.format.empty()) {
      auto& formats = rules.check != nullptr ? demand.text.formats : demand.text.wishes;
      formats.push_back(rules.format);
    }
  }
  if (node.array != kNone) {
    const ArrayRules& rules = compiled_.arrays[node.array];
    demand.items.AtLeast(rules.min_items);
    demand.items.AtMost(rules.max_items);
    if (rules.contains != kNone) demand.items.AtLeast(rules.min_contains);
  }
  if (node.object != kNone) {
    const ObjectRules& rules = compiled_.objects[node.object];
    demand.members.AtLeast(rules.min_properties);
    demand.members.AtMost(rules.max_properties);
    for (const ObjectRules::Property& property : rules.properties) {
      if (property.required) demand.required.push_back(property.key);
    }
  }
}

bool DemandMaker::AddLogic(Demand& demand, const Node& node, std::uint32_t fact) {
  const NodeIndex index = demand.facts[fact].node;
  if (node.object != kNone && !compiled_.objects[node.object].dependents.empty()) {
    choices_.push_back({.kind = Kind::kDependents, .node = index, .fact = fact});
  }
  if (node.logic == kNone) return true;
  const LogicRules& logic = compiled_.logic[node.logic];
  const auto later = [&](Kind kind, bool is_there) {
    if (is_there) choices_.push_back({.kind = kind, .node = index, .fact = fact});
  };
  later(Kind::kAnyOf, !logic.any_of.empty());
  later(Kind::kOneOf, !logic.one_of.empty());
  later(Kind::kIf, logic.if_node != kNone);
  ifs_ += logic.if_node != kNone ? 1 : 0;
  if (logic.not_node != kNone) {
    demand.check = true;
    choices_.push_back({.kind = Kind::kNot, .node = logic.not_node, .fact = fact});
  }
  if (logic.ref != kNone && !Add(demand, logic.ref, fact)) return false;
  if (logic.dynamic_ref != kNone) {
    const NodeIndex target = TargetOf(compiled_.dynamic_refs[logic.dynamic_ref], demand, fact);
    if (!Add(demand, target, fact)) return false;
  }
  return std::ranges::all_of(logic.all_of, [&](NodeIndex part) { return Add(demand, part, fact); });
}

NodeIndex DemandMaker::TargetOf(const DynamicRef& ref, const Demand& demand,
                                std::uint32_t fact) const {
  NodeIndex target = ref.fallback;
  const auto ask = [&](NodeIndex scope) {
    for (const DynamicRef::Target& candidate : ref.targets) {
      if (candidate.resource == compiled_[scope].resource) target = candidate.node;
    }
  };
  for (; fact != kNone; fact = demand.facts[fact].parent) ask(demand.facts[fact].node);
  for (std::size_t i = scope_.size(); i-- > 0;) ask(scope_[i]);
  return target;
}

bool DemandMaker::Choose(Demand& demand, Choice choice) {
  if (choice.kind == Kind::kNot) return Negate(demand, choice.node, choice.fact);
  const Node& node = compiled_[choice.node];
  if (choice.kind == Kind::kDependents) {
    return (demand.types & kObject) == 0 ||
           ChooseDependents(demand, compiled_.objects[node.object], choice);
  }
  const LogicRules& logic = compiled_.logic[node.logic];
  if (choice.kind == Kind::kIf) return ChooseIf(demand, logic, choice);
  return ChooseBranch(demand, choice.kind == Kind::kAnyOf ? logic.any_of : logic.one_of, choice);
}

bool DemandMaker::ChooseBranch(Demand& demand, const std::vector<NodeIndex>& branches,
                               Choice choice) {
  const std::string_view keyword = choice.kind == Kind::kAnyOf ? "anyOf" : "oneOf";
  std::uint32_t least = kEndless;
  for (const NodeIndex branch : branches) {
    least = std::min(least, outlines_[branch].Least(demand.types));
  }
  if (least == kEndless) {
    return Blocked(choice.node, keyword, "no branch goes together with the rest of the schema");
  }
  std::vector<NodeIndex> fitting;
  for (const NodeIndex branch : branches) {
    const std::uint32_t depth = outlines_[branch].Least(demand.types);
    if (depth != kEndless && depth <= std::max(least, depth_left_)) fitting.push_back(branch);
  }
  const NodeIndex chosen = fitting[random_.Below(fitting.size())];
  if (choice.kind == Kind::kOneOf && branches.size() > 1) {
    demand.check = true;
    // Branches that exclude each other by themselves are the rule.
    const bool exclude = random_.Below(branches.size()) == 0;
    for (const NodeIndex branch : branches) {
      if (!exclude || branch == chosen || (outlines_[branch].types() & demand.types) == 0) continue;
      choices_.push_back({.kind = Kind::kNot, .node = branch, .fact = choice.fact});
    }
  }
  return Add(demand, chosen, choice.fact);
}

bool DemandMaker::ChooseIf(Demand& demand, const LogicRules& logic, Choice choice) {
  const auto possible = [&](NodeIndex node) {
    return node == kNone || compiled_[node].accepts_all ||
           outlines_[node].Least(demand.types) != kEndless;
  };
  const bool can_be = possible(logic.if_node) && possible(logic.then_node);
  const bool can_not_be = !compiled_[logic.if_node].accepts_all && possible(logic.else_node);
  if (!can_be && !can_not_be) {
    return Blocked(choice.node, "if", "neither `then` nor `else` can be obeyed");
  }
  demand.check = true;
  // Of many conditions mostly one is meant to hold.
  if (can_be && (!can_not_be || random_.Below(ifs_ + 1) == 0)) {
    return Add(demand, logic.if_node, choice.fact) &&
           (logic.then_node == kNone || Add(demand, logic.then_node, choice.fact));
  }
  if (logic.else_node != kNone && !Add(demand, logic.else_node, choice.fact)) return false;
  choices_.push_back({.kind = Kind::kNot, .node = logic.if_node, .fact = choice.fact});
  return true;
}

// Whether each key is there is settled here, because it decides which schemas apply.
bool DemandMaker::ChooseDependents(Demand& demand, const ObjectRules& rules, Choice choice) {
  for (const ObjectRules::Dependent& dependent : rules.dependents) {
    if (dependent.node == kNone || std::ranges::count(demand.forbidden, dependent.key) > 0) {
      continue;
    }
    const bool required = std::ranges::count(demand.required, dependent.key) > 0;
    const bool possible = compiled_[dependent.node].accepts_all ||
                          outlines_[dependent.node].Least(demand.types) <= depth_left_;
    if (!required && (!possible || random_.Below(2) == 0)) {
      demand.forbidden.push_back(dependent.key);
      continue;
    }
    if (!required) {
      demand.required.push_back(dependent.key);
      demand.types &= kObject;
    }
    if (!Add(demand, dependent.node, choice.fact)) return false;
  }
  return true;
}

}  // namespace weir::schema
