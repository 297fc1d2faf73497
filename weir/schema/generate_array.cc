#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/generate_machine.h"

namespace weir::schema {
namespace {

constexpr int kTriesOfUnique = 30;

NodeIndex ItemNode(const ArrayRules& rules, std::size_t i) {
  return i < rules.prefix.size() ? rules.prefix[i] : rules.items;
}

}  // namespace

bool GenerateMachine::ItemEvaluated(const Demand& demand, std::uint32_t fact, std::size_t i) const {
  for (std::uint32_t other = 0; other < demand.facts.size(); ++other) {
    const Node& node = shop_.compiled[demand.facts[other].node];
    if (node.array == kNone || !demand.Within(other, fact)) continue;
    const ArrayRules& rules = shop_.compiled.arrays[node.array];
    if (ItemNode(rules, i) != kNone) return true;
    if (other != fact && rules.unevaluated != kNone) return true;
  }
  return false;
}

std::vector<Part> GenerateMachine::PartsOfItem(const Demand& demand, std::size_t i) const {
  std::vector<Part> parts;
  for (std::uint32_t fact = 0; fact < demand.facts.size(); ++fact) {
    const Node& node = shop_.compiled[demand.facts[fact].node];
    if (node.array == kNone) continue;
    const ArrayRules& rules = shop_.compiled.arrays[node.array];
    const NodeIndex item = ItemNode(rules, i);
    if (item != kNone) parts.push_back({.node = item});
    if (rules.unevaluated != kNone && !ItemEvaluated(demand, fact, i)) {
      parts.push_back({.node = rules.unevaluated});
    }
  }
  parts.insert(parts.end(), demand.every_item.begin(), demand.every_item.end());
  for (const auto& [place, part] : demand.at) {
    if (place == i) parts.push_back(part);
  }
  return parts;
}

// Gives each `contains` as many items as it asks for, and keeps the others from being more than it
// allows. An item that it evaluates need not obey `unevaluatedItems` of the same schema.
std::vector<std::vector<Part>> GenerateMachine::PlaceContained(const Demand& demand,
                                                               std::size_t count) {
  std::vector<std::vector<Part>> parts(count);
  for (std::size_t i = 0; i < count; ++i) parts[i] = PartsOfItem(demand, i);
  std::size_t next = shop_.random.Below(count + 1);
  for (std::uint32_t fact = 0; fact < demand.facts.size(); ++fact) {
    const Node& node = shop_.compiled[demand.facts[fact].node];
    if (node.array == kNone) continue;
    const ArrayRules& rules = shop_.compiled.arrays[node.array];
    if (rules.contains == kNone) continue;
    std::vector<bool> taken(count);
    std::uint64_t placed = 0;
    for (std::size_t i = 0; i < count && placed < rules.min_contains; ++i) {
      const std::size_t place = (next + i) % count;
      std::vector<Part> with = parts[place];
      with.push_back({.node = rules.contains});
      if (!Possible(with, kEndless - 1) && count > rules.min_contains) continue;
      if (rules.contains_evaluates) {
        std::erase_if(with, [&](const Part& part) { return part.node == rules.unevaluated; });
      }
      parts[place] = std::move(with);
      taken[place] = true;
      ++placed;
    }
    next += placed;
    if (rules.max_contains == kUnbounded &&
        !(rules.contains_evaluates && rules.unevaluated != kNone)) {
      continue;
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (taken[i]) continue;
      if (rules.max_contains != kUnbounded) {
        parts[i].push_back({.node = rules.contains, .negative = true});
        continue;
      }
      // What nothing else evaluates must be contained too.
      const auto rest = std::ranges::find(parts[i], rules.unevaluated, &Part::node);
      if (rest != parts[i].end() && !Possible({&*rest, 1}, kEndless - 1)) {
        rest->node = rules.contains;
      }
    }
  }
  return parts;
}

bool GenerateMachine::EmitItem(std::span<const Part> parts, bool unique, std::uint32_t depth_left,
                               std::unordered_set<std::string>& before) {
  const std::size_t begin = out_.size();
  if (!unique) return Value(parts, depth_left);
  for (int i = 0; i < kTriesOfUnique && !stopped_; ++i) {
    wide_ = i > 1;
    const bool made = Value(parts, depth_left);
    wide_ = false;
    if (!made) return false;
    const auto value = json::Read(std::string_view(out_).substr(begin));
    if (value && before.insert(json::Canonical(*value)).second) return true;
    out_.resize(begin);
  }
  return Blocked(parts.empty() ? 0 : parts.front().node, "",
                 "no more different items were found, as `uniqueItems` asks");
}

bool GenerateMachine::EmitArray(const Demand& demand, std::uint32_t depth_left) {
  const NodeIndex node = NodeWith(demand, &Node::array);
  const Counts& counts = demand.items;
  if (counts.min > counts.max) {
    return Blocked(node, "minItems",
                   StrCat("no array has ", counts.min, " or more items and at most ", counts.max));
  }
  if (counts.min > shop_.options.max_bytes / 2) {
    return Blocked(node, "minItems",
                   StrCat("an array of ", counts.min, " items is longer than ",
                          shop_.options.max_bytes, " bytes (max_bytes)"));
  }
  bool unique = false;
  std::size_t prefix = 0;
  for (const Demand::Fact& fact : demand.facts) {
    const Node& rules = shop_.compiled[fact.node];
    if (rules.array == kNone) continue;
    unique = unique || shop_.compiled.arrays[rules.array].unique;
    prefix = std::max(prefix, shop_.compiled.arrays[rules.array].prefix.size());
  }
  std::uint64_t count = counts.min;
  if (!Short(depth_left)) {
    const std::uint64_t likely = prefix > count && Chance(0.7) ? prefix - count : 0;
    count += std::min(counts.max - counts.min,
                      likely + (likely > 0 ? Few(1) : Few(shop_.options.typical_items + 1)));
  }
  std::vector<std::vector<Part>> parts = PlaceContained(demand, count);
  const std::uint32_t deeper = depth_left == 0 ? 0 : depth_left - 1;
  std::unordered_set<std::string> before;
  std::string first;
  out_ += '[';
  for (std::size_t i = 0; i < count; ++i) {
    const bool needed = i < counts.min;
    const std::size_t begin = out_.size();
    if (!needed && !Possible(parts[i], deeper)) break;
    if (i > 0) out_ += ',';
    if (i == 1 && demand.equal_items) {
      out_ += first;
      continue;
    }
    if (EmitItem(parts[i], unique, deeper, before)) {
      if (i == 0 && demand.equal_items) first = out_.substr(begin);
      continue;
    }
    out_.resize(begin);
    if (needed || stopped_) return false;
    break;
  }
  out_ += ']';
  return true;
}

}  // namespace weir::schema
