#include "weir/schema/generate_outline.h"

#include <algorithm>

namespace weir::schema {
namespace {

constexpr std::size_t kArrayBit = 5;
constexpr std::size_t kObjectBit = 6;
constexpr std::size_t kMaxRounds = 1000;

std::uint32_t Deeper(std::uint32_t depth) { return depth == kEndless ? kEndless : depth + 1; }

class Outliner {
 public:
  explicit Outliner(const Compiled& compiled) : compiled_(compiled) {
    Outline unknown;
    unknown.depth.fill(kEndless);
    outlines_.assign(compiled.nodes.size(), unknown);
  }

  // Depths only ever fall; children mostly stand behind their parents.
  std::vector<Outline> Run() {
    bool changed = true;
    for (std::size_t round = 0; changed && round < kMaxRounds; ++round) {
      changed = false;
      for (std::size_t i = outlines_.size(); i-- > 0;) {
        const Outline next = Of(compiled_.nodes[i]);
        changed = changed || next.depth != outlines_[i].depth;
        outlines_[i] = next;
      }
    }
    return std::move(outlines_);
  }

 private:
  std::uint32_t Least(NodeIndex node) const { return outlines_[node].Least(); }

  std::uint32_t DepthOfArray(const ArrayRules& rules) const {
    std::uint32_t depth = 0;
    if (rules.contains != kNone && rules.min_contains > 0) depth = Deeper(Least(rules.contains));
    for (std::uint64_t i = 0; i < std::min(rules.min_items, rules.prefix.size() + 1); ++i) {
      const NodeIndex item = i < rules.prefix.size() ? rules.prefix[i] : rules.items;
      if (item != kNone) depth = std::max(depth, Deeper(Least(item)));
    }
    return depth;
  }

  std::uint32_t DepthOfObject(const ObjectRules& rules) const {
    std::uint32_t depth = 0;
    for (const ObjectRules::Property& property : rules.properties) {
      if (!property.required) continue;
      NodeIndex node = property.node;
      if (node == kNone && rules.patterns.empty()) node = rules.additional;
      if (node != kNone) depth = std::max(depth, Deeper(Least(node)));
    }
    return depth;
  }

  Outline OwnOf(const Node& node) const {
    Outline out;
    TypeMask types = node.types;
    if (node.values != kNone) {
      TypeMask of_values = 0;
      for (const json::View value : compiled_.values[node.values].values) {
        of_values |= TypeOf(value);
      }
      types &= of_values;
    }
    for (std::size_t i = 0; i < kTypeCount; ++i) {
      out.depth[i] = (types >> i & 1) != 0 ? 0 : kEndless;
    }
    if (node.values != kNone) return out;
    if (node.array != kNone && (types & kArray) != 0) {
      out.depth[kArrayBit] = DepthOfArray(compiled_.arrays[node.array]);
    }
    if (node.object != kNone && (types & kObject) != 0) {
      out.depth[kObjectBit] = DepthOfObject(compiled_.objects[node.object]);
    }
    return out;
  }

  void Both(Outline& out, const Outline& other) const {
    for (std::size_t i = 0; i < kTypeCount; ++i) {
      out.depth[i] = std::max(out.depth[i], other.depth[i]);
    }
  }

  void OneOf(Outline& out, const std::vector<NodeIndex>& branches) const {
    if (branches.empty()) return;
    Outline best;
    best.depth.fill(kEndless);
    for (const NodeIndex branch : branches) {
      for (std::size_t i = 0; i < kTypeCount; ++i) {
        best.depth[i] = std::min(best.depth[i], outlines_[branch].depth[i]);
      }
    }
    Both(out, best);
  }

  Outline Of(const Node& node) const {
    Outline out = OwnOf(node);
    if (node.logic == kNone) return out;
    const LogicRules& logic = compiled_.logic[node.logic];
    if (logic.ref != kNone) Both(out, outlines_[logic.ref]);
    if (logic.dynamic_ref != kNone) {
      const DynamicRef& ref = compiled_.dynamic_refs[logic.dynamic_ref];
      std::vector<NodeIndex> targets = {ref.fallback};
      for (const DynamicRef::Target& target : ref.targets) targets.push_back(target.node);
      OneOf(out, targets);
    }
    for (const NodeIndex part : logic.all_of) Both(out, outlines_[part]);
    OneOf(out, logic.any_of);
    OneOf(out, logic.one_of);
    if (logic.not_node != kNone && compiled_[logic.not_node].accepts_all) {
      out.depth.fill(kEndless);
    }
    return out;
  }

  const Compiled& compiled_;
  std::vector<Outline> outlines_;
};

}  // namespace

TypeMask Outline::types() const {
  TypeMask mask = 0;
  for (std::size_t i = 0; i < kTypeCount; ++i) {
    if (depth[i] != kEndless) mask = static_cast<TypeMask>(mask | 1U << i);
  }
  return mask;
}

std::uint32_t Outline::Least(TypeMask among) const {
  std::uint32_t least = kEndless;
  for (std::size_t i = 0; i < kTypeCount; ++i) {
    if ((among >> i & 1) != 0) least = std::min(least, depth[i]);
  }
  return least;
}

std::vector<Outline> MakeOutlines(const Compiled& compiled) { return Outliner(compiled).Run(); }

TypeMask TypeOf(json::View value) {
  switch (value.kind()) {
    case json::Kind::kNull:
      return kNull;
    case json::Kind::kBool:
      return kBoolean;
    case json::Kind::kNumber:
      return json::IsInteger(value.NumberText()) ? kInteger : kFraction;
    case json::Kind::kString:
      return kString;
    case json::Kind::kArray:
      return kArray;
    case json::Kind::kObject:
      return kObject;
    default:
      return 0;
  }
}

}  // namespace weir::schema
