#include <algorithm>
#include <functional>

#include "weir/schema/generate_demand.h"

// How to disobey a schema. What has no way of its own here is left to chance: the value is checked
// once it is there.

namespace weir::schema {
namespace {

constexpr std::size_t kMaxNegatedNesting = 100;

// The ways to break a node, as things to do to the demand.
class Ways {
 public:
  using Way = std::function<bool(Demand&)>;

  Ways(const Compiled& compiled, TypeMask types) : compiled_(compiled), types_(types) {}

  void AddAll(const Node& node) {
    if ((types_ & ~node.types) != 0) {
      const auto others = static_cast<TypeMask>(~node.types & kAnyType);
      Push(kAnyType, [others](Demand& demand) {
        demand.types &= others;
        return true;
      });
    }
    // Chance finds another value, another text.
    if (node.values != kNone) Push(kAnyType, [](Demand&) { return true; });
    if (node.number != kNone) AddNumber(compiled_.numbers[node.number]);
    if (node.string != kNone) AddString(compiled_.strings[node.string]);
    if (node.array != kNone) AddArray(compiled_.arrays[node.array]);
    if (node.object != kNone) AddObject(compiled_.objects[node.object]);
  }

  std::vector<Way> list;

 private:
  // A way that works for values of these types only.
  void Push(TypeMask types, Way way) {
    if ((types_ & types) == 0) return;
    list.push_back([types, way = std::move(way)](Demand& demand) {
      demand.types &= types;
      return demand.types != 0 && way(demand);
    });
  }

  void AddNumber(const NumberRules& rules) {
    const auto bound = [&](const json::Bound& limit, bool lower, bool exclusive) {
      if (!limit.exists()) return;
      Push(kNumber, [limit, lower, exclusive](Demand& demand) {
        (lower ? demand.number.lower : demand.number.upper).push_back({limit, exclusive});
        return true;
      });
    };
    bound(rules.minimum, false, true);
    bound(rules.exclusive_minimum, false, false);
    bound(rules.maximum, true, true);
    bound(rules.exclusive_maximum, true, false);
    if (rules.multiple_of.exists()) Push(kNumber, [](Demand&) { return true; });
  }

  void AddString(const StringRules& rules) {
    if (rules.min_length > 0) {
      Push(kString, [max = rules.min_length - 1](Demand& demand) {
        demand.text.max_length = std::min(demand.text.max_length, max);
        return true;
      });
    }
    if (rules.max_length != kUnbounded) {
      Push(kString, [min = rules.max_length + 1](Demand& demand) {
        demand.text.min_length = std::max(demand.text.min_length, min);
        return true;
      });
    }
    if (rules.pattern != kNone || rules.check != nullptr) {
      Push(kString, [](Demand&) { return true; });
    }
  }

  void AddItem(std::size_t i, NodeIndex item) {
    if (compiled_[item].accepts_all) return;
    Push(kArray, [i, item](Demand& demand) {
      demand.items.AtLeast(i + 1);
      demand.at.emplace_back(i, Part{.node = item, .negative = true});
      return true;
    });
  }

  void AddArray(const ArrayRules& rules) {
    if (rules.min_items > 0) {
      Push(kArray, [max = rules.min_items - 1](Demand& demand) {
        demand.items.AtMost(max);
        return true;
      });
    }
    if (rules.max_items != kUnbounded) {
      Push(kArray, [min = rules.max_items + 1](Demand& demand) {
        demand.items.AtLeast(min);
        return true;
      });
    }
    for (std::size_t i = 0; i < rules.prefix.size(); ++i) AddItem(i, rules.prefix[i]);
    if (rules.items != kNone) AddItem(rules.prefix.size(), rules.items);
    if (rules.contains != kNone && rules.min_contains > 0) {
      Push(kArray, [node = rules.contains](Demand& demand) {
        demand.every_item.push_back({.node = node, .negative = true});
        return true;
      });
    }
    if (rules.contains != kNone && rules.max_contains != kUnbounded) {
      Push(kArray, [node = rules.contains, max = rules.max_contains](Demand& demand) {
        demand.items.AtLeast(max + 1);
        for (std::size_t i = 0; i <= std::min<std::uint64_t>(max, 1000); ++i) {
          demand.at.emplace_back(i, Part{.node = node});
        }
        return true;
      });
    }
    if (rules.unevaluated != kNone) AddItem(rules.prefix.size(), rules.unevaluated);
    if (rules.unique) {
      Push(kArray, [](Demand& demand) {
        demand.items.AtLeast(2);
        demand.equal_items = true;
        return true;
      });
    }
  }

  void AddStranger(NodeIndex node) {
    if (node == kNone || compiled_[node].accepts_all) return;
    Push(kObject, [node](Demand& demand) {
      demand.strangers.push_back({.node = node, .negative = true});
      return true;
    });
  }

  void AddObject(const ObjectRules& rules) {
    for (const ObjectRules::Property& property : rules.properties) {
      if (property.required) {
        Push(kObject, [key = property.key](Demand& demand) {
          demand.forbidden.push_back(key);
          return true;
        });
      }
      if (property.node == kNone || compiled_[property.node].accepts_all) continue;
      Push(kObject, [key = property.key, node = property.node](Demand& demand) {
        demand.required.push_back(key);
        demand.of_key.emplace_back(key, Part{.node = node, .negative = true});
        return true;
      });
    }
    for (const ObjectRules::PatternProperty& entry : rules.patterns) {
      Push(kObject, [entry](Demand& demand) {
        demand.of_pattern.emplace_back(entry.pattern, Part{.node = entry.node, .negative = true});
        return true;
      });
    }
    if (rules.min_properties > 0) {
      Push(kObject, [max = rules.min_properties - 1](Demand& demand) {
        demand.members.AtMost(max);
        return true;
      });
    }
    if (rules.max_properties != kUnbounded) {
      Push(kObject, [min = rules.max_properties + 1](Demand& demand) {
        demand.members.AtLeast(min);
        return true;
      });
    }
    AddStranger(rules.additional);
    AddStranger(rules.unevaluated);
    if (rules.property_names != kNone) {
      Push(kObject, [](Demand& demand) {
        demand.members.AtLeast(1);
        return true;
      });
    }
    AddDependents(rules);
  }

  void AddDependents(const ObjectRules& rules) {
    for (const ObjectRules::Dependent& dependent : rules.dependents) {
      for (const std::string_view missing : dependent.required) {
        Push(kObject, [key = dependent.key, missing](Demand& demand) {
          demand.required.push_back(key);
          demand.forbidden.push_back(missing);
          return true;
        });
      }
      if (dependent.node == kNone || compiled_[dependent.node].accepts_all) continue;
      Push(kObject, [key = dependent.key](Demand& demand) {
        demand.required.push_back(key);
        return true;
      });
    }
  }

  const Compiled& compiled_;
  TypeMask types_;
};

std::size_t WaysOf(const LogicRules& logic) {
  return (logic.ref != kNone ? 1 : 0) + (logic.dynamic_ref != kNone ? 1 : 0) + logic.all_of.size() +
         (logic.any_of.empty() ? 0 : 1) + (logic.one_of.empty() ? 0 : 1) +
         (logic.not_node != kNone ? 1 : 0) + (logic.if_node != kNone ? 1 : 0);
}

}  // namespace

bool DemandMaker::Negate(Demand& demand, NodeIndex index, std::uint32_t fact) {
  const Node& node = compiled_[index];
  if (node.accepts_all) {
    return Blocked(index, "", "what is not allowed here is everything");
  }
  if ((demand.types & outlines_[index].types()) == 0) return true;
  if (nesting_ >= kMaxNegatedNesting) return true;
  Ways ways(compiled_, demand.types);
  ways.AddAll(node);
  const std::size_t logic_ways = node.logic == kNone ? 0 : WaysOf(compiled_.logic[node.logic]);
  const std::size_t all = ways.list.size() + logic_ways;
  if (all == 0) return Blocked(index, "", "nothing disobeys this schema, as `not` asks");
  const std::size_t way = random_.Below(all);
  if (way < ways.list.size()) {
    if (ways.list[way](demand)) return true;
    return Blocked(index, "", "no value disobeys this schema and obeys the others");
  }
  ++nesting_;
  const bool done = NegateLogic(demand, compiled_.logic[node.logic], way - ways.list.size(), fact);
  --nesting_;
  return done;
}

bool DemandMaker::NegateLogic(Demand& demand, const LogicRules& logic, std::size_t way,
                              std::uint32_t fact) {
  const auto takes = [&](std::size_t count) {
    if (way < count) return true;
    way -= count;
    return false;
  };
  const auto negate = [&](NodeIndex node) { return Negate(demand, node, fact); };
  if (logic.ref != kNone && takes(1)) return negate(logic.ref);
  if (logic.dynamic_ref != kNone && takes(1)) {
    return negate(TargetOf(compiled_.dynamic_refs[logic.dynamic_ref], demand, fact));
  }
  if (takes(logic.all_of.size())) return negate(logic.all_of[way]);
  if (!logic.any_of.empty() && takes(1)) return std::ranges::all_of(logic.any_of, negate);
  if (!logic.one_of.empty() && takes(1)) {
    const std::size_t count = logic.one_of.size();
    if (count < 2 || random_.Below(2) == 0) return std::ranges::all_of(logic.one_of, negate);
    const std::size_t first = random_.Below(count);
    const std::size_t second = (first + 1 + random_.Below(count - 1)) % count;
    return Add(demand, logic.one_of[first], fact) && Add(demand, logic.one_of[second], fact);
  }
  if (logic.not_node != kNone && takes(1)) return Add(demand, logic.not_node, fact);
  const bool by_then = logic.then_node != kNone;
  if (by_then && (logic.else_node == kNone || random_.Below(2) == 0)) {
    return Add(demand, logic.if_node, fact) && negate(logic.then_node);
  }
  if (logic.else_node == kNone)
    return Blocked(demand.facts.empty() ? 0 : demand.facts[0].node, "if", "nothing disobeys it");
  return negate(logic.if_node) && negate(logic.else_node);
}

}  // namespace weir::schema
