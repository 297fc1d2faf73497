#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/schema/compile_node.h"

namespace weir::schema {
namespace {

bool IsOnlyRef(const Compiled& compiled, const Node& node) {
  if (node.logic == kNone || node.types != kAnyType) return false;
  for (const std::uint32_t rules :
       {node.values, node.number, node.string, node.array, node.object}) {
    if (rules != kNone) return false;
  }
  const LogicRules& logic = compiled.logic[node.logic];
  const bool more = logic.dynamic_ref != kNone || logic.not_node != kNone ||
                    logic.if_node != kNone || !logic.all_of.empty() || !logic.any_of.empty() ||
                    !logic.one_of.empty();
  return logic.ref != kNone && !more;
}

const Node& TargetOf(const Compiled& compiled, NodeIndex index) {
  while (compiled[index].only_ref != kNone) index = compiled[index].only_ref;
  return compiled[index];
}

// What all shortcuts of a schema may look at: nodes, properties and texts. Where much is referred
// to often there would be no end to it.
using Budget = std::size_t;
constexpr Budget kBudget = 100'000;

bool Spend(Budget& budget, std::size_t much) {
  if (budget < much) return false;
  budget -= much;
  return true;
}

// One set of rules in the place of those of a node and all that stands in its "allOf".
class Merger {
 public:
  Merger(const Compiled& compiled, const Node& whole, Budget& budget)
      : compiled_(compiled), whole_(whole), budget_(budget) {}

  // False when there is no such set, or too much to look at.
  bool Add(const Node& node, bool is_part) {
    if (--nodes_left_ < 0 || !Spend(budget_, 1)) return false;
    if ((node.types & kObject) == 0 || node.values != kNone) return false;
    // A dynamic reference below it would have to know that the way led through that resource.
    if (!compiled_.dynamic_refs.empty() && node.resource != whole_.resource) return false;
    if (node.object != kNone && !AddRules(compiled_.objects[node.object], is_part)) return false;
    if (node.logic == kNone) return true;
    const LogicRules& logic = compiled_.logic[node.logic];
    if (logic.dynamic_ref != kNone || logic.not_node != kNone || logic.if_node != kNone ||
        !logic.any_of.empty() || !logic.one_of.empty()) {
      return false;
    }
    const auto add = [this](NodeIndex index) { return Add(compiled_[index], true); };
    return (logic.ref == kNone || add(logic.ref)) && std::ranges::all_of(logic.all_of, add);
  }

  ObjectRules Finish() && {
    std::vector<std::string_view> keys;
    keys.reserve(out_.properties.size());
    for (const ObjectRules::Property& property : out_.properties) keys.push_back(property.key);
    out_.table.Build(std::move(keys));
    out_.plain = true;
    NumberRequired(out_);
    return std::move(out_);
  }

 private:
  bool AddRules(const ObjectRules& rules, bool is_part) {
    if (!rules.plain || !rules.dependents.empty() || rules.additional != kNone) return false;
    if (rules.unevaluated != kNone && is_part) return false;
    if (!Spend(budget_, rules.properties.size())) return false;
    if (!is_part) out_.additional = rules.unevaluated;
    out_.min_properties = std::max(out_.min_properties, rules.min_properties);
    out_.max_properties = std::min(out_.max_properties, rules.max_properties);
    return std::ranges::all_of(rules.properties,
                               [this](const auto& property) { return AddProperty(property); });
  }

  bool AddProperty(const ObjectRules::Property& property) {
    const auto [at, is_new] = number_of_.emplace(property.key, out_.properties.size());
    if (is_new) {
      out_.properties.push_back(property);
      return true;
    }
    ObjectRules::Property& known = out_.properties[at->second];
    if (known.node != kNone && property.node != kNone) return false;
    if (known.node == kNone) known.node = property.node;
    known.required = known.required || property.required;
    return true;
  }

  const Compiled& compiled_;
  const Node& whole_;
  Budget& budget_;
  int nodes_left_ = 1000;  // so that one node does not spend what all may
  ObjectRules out_;
  std::unordered_map<std::string_view, std::size_t> number_of_;
};

std::optional<ObjectRules> Merged(const Compiled& compiled, const Node& node, Budget& budget) {
  const bool has_parts = node.logic != kNone && !compiled.logic[node.logic].all_of.empty();
  const bool has_rest = node.object != kNone && compiled.objects[node.object].unevaluated != kNone;
  if (!has_parts && !has_rest) return std::nullopt;
  Merger merger(compiled, node, budget);
  if (!merger.Add(node, false)) return std::nullopt;
  return std::move(merger).Finish();
}

// The texts that a property must be one of; null when it may be missing or something else.
const std::vector<std::string_view>* TextsOf(const Compiled& compiled, NodeIndex alternative,
                                             std::string_view key) {
  const Node& node = TargetOf(compiled, alternative);
  if (node.object == kNone) return nullptr;
  const ObjectRules& rules = compiled.objects[node.object];
  const std::uint32_t number = rules.table.Find(key);
  if (number == kNone) return nullptr;
  const ObjectRules::Property& property = rules.properties[number];
  if (!property.required || property.node == kNone) return nullptr;
  const Node& value = TargetOf(compiled, property.node);
  if (value.values == kNone) return nullptr;
  const ValueRules& allowed = compiled.values[value.values];
  const std::vector<std::string_view>& texts = allowed.strings.keys();
  return texts.size() == allowed.values.size() ? &texts : nullptr;
}

std::optional<Telltale> TelltaleBy(const Compiled& compiled,
                                   const std::vector<NodeIndex>& alternatives, std::string_view key,
                                   Budget& budget) {
  std::vector<std::string_view> texts;
  Telltale telltale{.key = key, .texts = {}, .nodes = {}};
  for (const NodeIndex alternative : alternatives) {
    const std::vector<std::string_view>* own = TextsOf(compiled, alternative, key);
    if (own == nullptr || !Spend(budget, own->size() + 1)) return std::nullopt;
    texts.insert(texts.end(), own->begin(), own->end());
    telltale.nodes.insert(telltale.nodes.end(), own->size(), alternative);
  }
  std::vector<std::string_view> sorted = texts;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) return std::nullopt;
  telltale.texts.Build(std::move(texts));
  return telltale;
}

std::uint32_t FindTelltale(Compiled& compiled, const std::vector<NodeIndex>& alternatives,
                           Budget& budget) {
  if (alternatives.size() < 2) return kNone;
  const Node& first = TargetOf(compiled, alternatives.front());
  if (first.object == kNone) return kNone;
  for (const ObjectRules::Property& property : compiled.objects[first.object].properties) {
    std::optional<Telltale> found = TelltaleBy(compiled, alternatives, property.key, budget);
    if (!found) continue;
    compiled.telltales.push_back(*std::move(found));
    return static_cast<std::uint32_t>(compiled.telltales.size() - 1);
  }
  return kNone;
}

}  // namespace

void FindShortcuts(Compiled& compiled) {
  Budget budget = kBudget;
  for (Node& node : compiled.nodes) {
    if (IsOnlyRef(compiled, node)) node.only_ref = compiled.logic[node.logic].ref;
  }
  for (Node& node : compiled.nodes) {
    std::optional<ObjectRules> merged = Merged(compiled, node, budget);
    if (!merged) continue;
    node.merged = static_cast<std::uint32_t>(compiled.objects.size());
    compiled.objects.push_back(*std::move(merged));
  }
  for (LogicRules& logic : compiled.logic) {
    logic.any_telltale = FindTelltale(compiled, logic.any_of, budget);
    logic.one_telltale = FindTelltale(compiled, logic.one_of, budget);
  }
}

}  // namespace weir::schema
