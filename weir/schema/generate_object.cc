#include <algorithm>
#include <ranges>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/schema/generate_machine.h"

namespace weir::schema {
namespace {

constexpr int kTriesOfKey = 40;

NodeIndex NamedNode(const ObjectRules& rules, std::string_view key) {
  const std::uint32_t number = rules.table.Find(key);
  return number == kNone ? kNone : rules.properties[number].node;
}

}  // namespace

void GenerateMachine::Keys::Add(std::string_view key) {
  if (known_.emplace(key).second) chosen_.emplace_back(key);
}

void GenerateMachine::Keys::Cut(std::size_t size) {
  for (; chosen_.size() > size; chosen_.pop_back()) known_.erase(chosen_.back());
}

// Whether some schema names the key, by itself or by a pattern.
bool GenerateMachine::KeyNamed(const Demand& demand, std::string_view key) const {
  bool named = false;
  ForEachObject(demand, [&](std::uint32_t, const ObjectRules& rules) {
    named = named || NamedNode(rules, key) != kNone ||
            std::ranges::any_of(rules.patterns, [&](const auto& entry) {
              return shop_.compiled.patterns[entry.pattern].Found(key);
            });
  });
  return named;
}

bool GenerateMachine::KeyEvaluated(const Demand& demand, std::uint32_t fact,
                                   std::string_view key) const {
  bool evaluated = false;
  ForEachObject(demand, [&](std::uint32_t other, const ObjectRules& rules) {
    if (evaluated || !demand.Within(other, fact)) return;
    evaluated = rules.additional != kNone || NamedNode(rules, key) != kNone ||
                (other != fact && rules.unevaluated != kNone) ||
                std::ranges::any_of(rules.patterns, [&](const auto& entry) {
                  return shop_.compiled.patterns[entry.pattern].Found(key);
                });
  });
  return evaluated;
}

std::vector<Part> GenerateMachine::PartsOfKey(const Demand& demand, std::string_view key) const {
  std::vector<Part> parts;
  ForEachObject(demand, [&](std::uint32_t fact, const ObjectRules& rules) {
    bool named = false;
    const auto add = [&](NodeIndex node) {
      parts.push_back({.node = node});
      named = true;
    };
    if (const NodeIndex node = NamedNode(rules, key); node != kNone) add(node);
    for (const ObjectRules::PatternProperty& entry : rules.patterns) {
      if (shop_.compiled.patterns[entry.pattern].Found(key)) add(entry.node);
    }
    if (!named && rules.additional != kNone) add(rules.additional);
    if (rules.unevaluated != kNone && !KeyEvaluated(demand, fact, key)) add(rules.unevaluated);
  });
  for (const auto& [name, part] : demand.of_key) {
    if (name == key) parts.push_back(part);
  }
  return parts;
}

bool GenerateMachine::KeyAllowed(const Demand& demand, std::string_view key) const {
  if (std::ranges::find(demand.forbidden, key) != demand.forbidden.end()) return false;
  bool allowed = true;
  ForEachObject(demand, [&](std::uint32_t, const ObjectRules& rules) {
    if (!allowed || rules.property_names == kNone) return;
    Evaluator evaluator(shop_.compiled);
    allowed = evaluator.NameAccepted(rules.property_names, key);
  });
  return allowed;
}

// The required keys, and those that they require. False when one of them must not be there.
bool GenerateMachine::AddRequired(const Demand& demand, Keys& keys) const {
  const std::size_t first = keys.size();
  for (const std::string_view key : demand.required) keys.Add(key);
  for (std::size_t before = keys.size() + 1; before != keys.size();) {
    before = keys.size();
    ForEachObject(demand, [&](std::uint32_t, const ObjectRules& rules) {
      for (const ObjectRules::Dependent& dependent : rules.dependents) {
        if (dependent.required.empty() || !keys.Has(dependent.key)) continue;
        for (const std::string_view key : dependent.required) keys.Add(key);
      }
    });
  }
  return std::ranges::all_of(keys.chosen() | std::views::drop(first), [&](const std::string& key) {
    return std::ranges::find(demand.forbidden, key) == demand.forbidden.end();
  });
}

// Leaves the keys as they were when it does not work out.
bool GenerateMachine::AddWithRequired(const Demand& demand, std::string_view key,
                                      Keys& keys) const {
  const std::size_t before = keys.size();
  keys.Add(key);
  if (AddRequired(demand, keys) && keys.size() <= demand.members.max) return true;
  keys.Cut(before);
  return false;
}

void GenerateMachine::AddOptional(const Demand& demand, std::uint32_t depth_left, bool all,
                                  Keys& keys) {
  ForEachObject(demand, [&](std::uint32_t, const ObjectRules& rules) {
    for (const ObjectRules::Property& property : rules.properties) {
      if (property.node == kNone || keys.Has(property.key)) continue;
      if (all ? keys.size() >= demand.members.min
              : keys.size() >= demand.members.max || !Chance(shop_.options.optional_properties)) {
        continue;
      }
      const std::uint32_t deeper = depth_left == 0 ? 0 : depth_left - 1;
      const std::uint32_t limit = all ? kEndless - 1 : deeper;
      if (!KeyAllowed(demand, property.key)) continue;
      if (!Possible(PartsOfKey(demand, property.key), limit)) continue;
      (void)AddWithRequired(demand, property.key, keys);  // or it stays away
    }
  });
}

std::string GenerateMachine::SampleText(const TextDemand& demand) {
  std::size_t work = 0;
  const auto text = shop_.texts.Sample(demand, shop_.random, work);
  Spend(work / 8);
  return text.value_or("");
}

std::string GenerateMachine::NewKey(const Demand& demand, std::uint32_t pattern) {
  if (pattern != kNone) {
    TextDemand text;
    text.patterns.push_back(pattern);
    return SampleText(text);
  }
  std::vector<Part> names;
  std::vector<std::uint32_t> patterns;
  ForEachObject(demand, [&](std::uint32_t, const ObjectRules& rules) {
    if (rules.property_names != kNone) names.push_back({.node = rules.property_names});
    for (const ObjectRules::PatternProperty& entry : rules.patterns) {
      if (shop_.outlines[entry.node].types() != 0) patterns.push_back(entry.pattern);
    }
  });
  if (!patterns.empty() && shop_.random.Below(4) != 0) {
    return NewKey(demand, patterns[shop_.random.Below(patterns.size())]);
  }
  if (names.empty()) return SampleWord(3 + Few(7), shop_.random);
  Demand name;
  DemandMaker maker(shop_.compiled, shop_.outlines, scope_, shop_.random, obstacle_);
  if (!maker.Make(names, 0, name)) return "";
  for (const Demand::Fact& fact : name.facts) {
    const Node& node = shop_.compiled[fact.node];
    if (node.values == kNone) continue;
    const auto& keys = shop_.compiled.values[node.values].strings.keys();
    return keys.empty() ? "" : std::string(keys[shop_.random.Below(keys.size())]);
  }
  if (name.text.patterns.empty() && name.text.formats.empty()) {
    const std::uint64_t room = std::min<std::uint64_t>(
        name.text.max_length - std::min(name.text.min_length, name.text.max_length), 6);
    const std::uint64_t length = name.text.min_length + shop_.random.Below(room + 1);
    return length > shop_.options.max_bytes ? "" : SampleWord(length, shop_.random);
  }
  return SampleText(name.text);
}

std::uint64_t GenerateMachine::WantedStrangers(const Demand& demand) const {
  bool has_names = false;
  bool invites = false;
  ForEachObject(demand, [&](std::uint32_t, const ObjectRules& rules) {
    has_names = has_names || !rules.table.keys().empty();
    const auto welcome = [&](NodeIndex node) {
      return node != kNone && shop_.outlines[node].types() != 0 &&
             !shop_.compiled[node].accepts_all;
    };
    invites = invites || welcome(rules.additional) || !rules.patterns.empty();
  });
  return invites ? (has_names ? 1 : shop_.options.typical_items) : 0;
}

bool GenerateMachine::AddStrangers(const Demand& demand, std::uint32_t depth_left, Keys& keys) {
  const std::uint32_t deeper = depth_left == 0 ? 0 : depth_left - 1;
  const auto add = [&](std::uint32_t pattern, const Part* part, std::uint32_t limit) {
    for (int i = 0; i < kTriesOfKey && steps_left_ > 0; ++i) {
      Spend(i > 0 ? 1 : 0);
      const std::string key = NewKey(demand, pattern);
      if (keys.Has(key) || !KeyAllowed(demand, key)) continue;
      if (part != nullptr && pattern == kNone && KeyNamed(demand, key)) continue;
      std::vector<Part> parts = PartsOfKey(demand, key);
      if (part != nullptr) parts.push_back(*part);
      if (!Possible(parts, limit)) continue;
      if (!AddWithRequired(demand, key, keys)) continue;
      if (part != nullptr) keys.extra.emplace_back(key, *part);
      return true;
    }
    return false;
  };
  const NodeIndex node = NodeWith(demand, &Node::object);
  for (const Part& part : demand.strangers) {
    if (!add(kNone, &part, kEndless - 1)) {
      return Blocked(part.node, "", "no further property can be there that disobeys this");
    }
  }
  for (const auto& [pattern, part] : demand.of_pattern) {
    if (!add(pattern, &part, kEndless - 1)) {
      return Blocked(part.node, "", "no property can be there that disobeys this");
    }
  }
  if (!Short(depth_left)) {
    for (std::uint64_t left = Few(WantedStrangers(demand)); left > 0; --left) {
      if (keys.size() < demand.members.max) (void)add(kNone, nullptr, deeper);
    }
  }
  while (keys.size() < demand.members.min) {
    if (add(kNone, nullptr, kEndless - 1)) continue;
    return Blocked(node, "minProperties",
                   StrCat("no more than ", keys.size(), " properties were found of the ",
                          demand.members.min, " that must be there"));
  }
  return true;
}

bool GenerateMachine::ChooseKeys(const Demand& demand, std::uint32_t depth_left, Keys& keys) {
  const NodeIndex node = NodeWith(demand, &Node::object);
  const Counts& counts = demand.members;
  if (counts.min > counts.max) {
    return Blocked(
        node, "minProperties",
        StrCat("no object has ", counts.min, " or more properties and at most ", counts.max));
  }
  if (counts.min > shop_.options.max_bytes / 5) {
    return Blocked(node, "minProperties",
                   StrCat("an object of ", counts.min, " properties is longer than ",
                          shop_.options.max_bytes, " bytes (max_bytes)"));
  }
  if (!AddRequired(demand, keys)) {
    return Blocked(node, "required", "a property is required that must not be there");
  }
  if (keys.size() > counts.max) {
    return Blocked(
        node, "maxProperties",
        StrCat(keys.size(), " properties are required, and at most ", counts.max, " are allowed"));
  }
  for (const std::string& key : keys.chosen()) {
    if (!KeyAllowed(demand, key)) {
      return Blocked(node, "propertyNames",
                     StrCat("the required property \"", key, "\" has a name that is not allowed"));
    }
  }
  if (!Short(depth_left)) AddOptional(demand, depth_left, false, keys);
  AddOptional(demand, depth_left, true, keys);
  return AddStrangers(demand, depth_left, keys);
}

// In the order of the schema, as people and models write; the rest as it came.
std::vector<std::string> GenerateMachine::InOrder(const Demand& demand, const Keys& keys) const {
  Keys order;
  ForEachObject(demand, [&](std::uint32_t, const ObjectRules& rules) {
    for (const ObjectRules::Property& property : rules.properties) {
      if (property.node != kNone && keys.Has(property.key)) order.Add(property.key);
    }
  });
  for (const std::string& key : keys.chosen()) order.Add(key);
  return order.chosen();
}

bool GenerateMachine::EmitObject(const Demand& demand, std::uint32_t depth_left) {
  Keys keys;
  if (!ChooseKeys(demand, depth_left, keys)) return false;
  const std::vector<std::string> order = InOrder(demand, keys);
  const std::uint32_t deeper = depth_left == 0 ? 0 : depth_left - 1;
  out_ += '{';
  for (const std::string& key : order) {
    if (&key != order.data()) out_ += ',';
    json::AppendQuoted(out_, key);
    out_ += ':';
    std::vector<Part> parts = PartsOfKey(demand, key);
    for (const auto& [name, part] : keys.extra) {
      if (name == key) parts.push_back(part);
    }
    if (!Value(parts, deeper)) return false;
  }
  out_ += '}';
  return true;
}

}  // namespace weir::schema
