#include "weir/schema/coerce_sets.h"

#include <algorithm>

namespace weir::schema {

const NodeSet& NodeSets::Of(std::vector<NodeIndex> nodes, std::vector<std::uint64_t> resolved) {
  std::ranges::sort(nodes);
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  std::ranges::sort(resolved);
  const auto [place, fresh] = made_.try_emplace(Key(std::move(nodes), std::move(resolved)));
  if (!fresh) return *place->second;
  NodeSet& set = sets_.emplace_back();
  place->second = &set;
  set.resolved = place->first.second;
  for (const NodeIndex node : place->first.first) Join(set, node);
  return set;
}

void NodeSets::Join(NodeSet& set, NodeIndex index) const {
  if (std::ranges::find(set.nodes, index) != set.nodes.end()) return;
  const Node& node = compiled_[index];
  if (node.accepts_all) return;
  set.nodes.push_back(index);
  set.types &= node.types;
  if (node.values != kNone) set.values.push_back(node.values);
  if (node.array != kNone) {
    const ArrayRules& rules = compiled_.arrays[node.array];
    set.arrays.push_back(&rules);
    set.checked |= rules.contains != kNone || rules.unevaluated != kNone || rules.unique;
  }
  if (node.object != kNone) {
    const ObjectRules& rules = compiled_.objects[node.object];
    set.objects.push_back(&rules);
    set.checked |= rules.property_names != kNone || rules.unevaluated != kNone;
    set.checked |= !rules.dependents.empty();
    set.conditional |= !rules.dependents.empty();
  }
  if (node.logic != kNone) JoinLogic(set, index, compiled_.logic[node.logic]);
}

void NodeSets::JoinLogic(NodeSet& set, NodeIndex index, const LogicRules& rules) const {
  set.checked |= rules.not_node != kNone || rules.if_node != kNone || !rules.one_of.empty();
  set.conditional |= rules.if_node != kNone;
  if (rules.ref != kNone) Join(set, rules.ref);
  if (rules.dynamic_ref != kNone) {
    // Seen from the root: whatever its resource redefines is meant.
    const DynamicRef& ref = compiled_.dynamic_refs[rules.dynamic_ref];
    NodeIndex target = ref.fallback;
    for (const DynamicRef::Target& candidate : ref.targets) {
      if (candidate.resource == compiled_[compiled_.root].resource) target = candidate.node;
    }
    set.checked = true;
    Join(set, target);
  }
  for (const NodeIndex node : rules.all_of) Join(set, node);
  for (const bool one : {false, true}) {
    const Union choice{.owner = index, .one = one, .branches = one ? &rules.one_of : &rules.any_of};
    if (choice.branches->empty()) continue;
    if (!std::ranges::binary_search(set.resolved, choice.id())) set.unions.push_back(choice);
  }
}

const NodeSet& NodeSets::WithBranch(const NodeSet& set, const Union& choice, NodeIndex branch) {
  std::vector<NodeIndex> nodes = set.nodes;
  nodes.push_back(branch);
  std::vector<std::uint64_t> resolved = set.resolved;
  resolved.push_back(choice.id());
  return Of(std::move(nodes), std::move(resolved));
}

bool NodeSets::Gather(const ObjectRules& rules, std::string_view key,
                      std::vector<NodeIndex>& out) const {
  bool known = false;
  const std::uint32_t number = rules.table.Find(key);
  if (number != kNone && rules.properties[number].node != kNone) {
    out.push_back(rules.properties[number].node);
    known = true;
  }
  for (const ObjectRules::PatternProperty& pattern : rules.patterns) {
    if (!compiled_.patterns[pattern.pattern].Found(key)) continue;
    out.push_back(pattern.node);
    known = true;
  }
  return known;
}

const NodeSet& NodeSets::OfProperty(const NodeSet& set, std::string_view key) {
  std::vector<NodeIndex> nodes;
  bool evaluated = false;
  for (const ObjectRules* rules : set.objects) {
    const bool known = Gather(*rules, key, nodes);
    if (!known && rules->additional != kNone) nodes.push_back(rules->additional);
    evaluated |= known || rules->additional != kNone;
  }
  for (const ObjectRules* rules : set.objects) {
    if (!evaluated && !set.conditional && rules->unevaluated != kNone) {
      nodes.push_back(rules->unevaluated);
    }
  }
  return Of(std::move(nodes));
}

const NodeSet& NodeSets::OfItem(const NodeSet& set, std::size_t index) {
  std::vector<NodeIndex> nodes;
  for (const ArrayRules* rules : set.arrays) {
    const NodeIndex node = index < rules->prefix.size() ? rules->prefix[index] : rules->items;
    if (node != kNone) nodes.push_back(node);
  }
  return Of(std::move(nodes));
}

bool NodeSets::Knows(const NodeSet& set, std::string_view key) const {
  std::vector<NodeIndex> nodes;
  return std::ranges::any_of(set.objects, [&](const ObjectRules* rules) {
    return rules->table.Find(key) != kNone || Gather(*rules, key, nodes);
  });
}

bool NodeSets::Forbids(const NodeSet& set, std::string_view key) const {
  bool evaluated = false;
  bool closed = false;
  for (const ObjectRules* rules : set.objects) {
    std::vector<NodeIndex> nodes;
    const bool known = Gather(*rules, key, nodes);
    if (!known && Refuses(rules->additional)) return true;
    if (std::ranges::any_of(nodes, [&](NodeIndex node) { return Refuses(node); })) return true;
    evaluated |= known || rules->additional != kNone;
    closed |= Refuses(rules->unevaluated);
  }
  return closed && !evaluated && !set.conditional;
}

}  // namespace weir::schema
