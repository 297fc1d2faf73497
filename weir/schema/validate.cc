#include "weir/schema/validate.h"

#include <algorithm>

#include "weir/base/utf8.h"

namespace weir::schema {
namespace {

constexpr TypeMask kTypeOfKind[] = {0,       kNull,  kBoolean, kInteger | kFraction,
                                    kString, kArray, kObject};

}  // namespace

Marks::Marks(std::size_t count) : word_count_((count + 63) / 64), words_(inline_) {
  if (word_count_ <= kInline) return;
  large_.resize(word_count_);
  words_ = large_.data();
}

void Marks::Merge(const Marks& other) {
  for (std::size_t i = 0; i < word_count_; ++i) words_[i] |= other.words_[i];
}

Evaluator::Evaluator(const Compiled& compiled)
    : compiled_(compiled),
      dynamic_(!compiled.dynamic_refs.empty()),
      depth_left_(compiled.max_recursion),
      steps_left_(compiled.max_steps) {}

Evaluator::Inside::Inside(Evaluator& evaluator, const Node& node)
    : evaluator_(evaluator), scope_({.resource = node.resource, .outer = evaluator.scope_}) {
  evaluator_.scope_ = &scope_;
}

Evaluator::Inside::~Inside() { evaluator_.scope_ = scope_.outer; }

bool Evaluator::Enter(const Node& node, json::View value, Marks* marks) {
  if (exhausted_ || steps_left_ == 0 || depth_left_ == 0) {
    exhausted_ = true;
    return false;
  }
  --steps_left_;
  --depth_left_;
  bool accepted = false;
  if (dynamic_ && (scope_ == nullptr || scope_->resource != node.resource)) {
    const Inside inside(*this, node);
    accepted = AcceptsNode(node, value, marks);
  } else {
    accepted = AcceptsNode(node, value, marks);
  }
  ++depth_left_;
  return accepted;
}

bool Evaluator::AcceptsNode(const Node& node, json::View value, Marks* marks) {
  if (node.only_ref != kNone) return Accepts(node.only_ref, value, marks);
  if (node.merged != kNone && value.IsObject()) {
    return AcceptsObject(compiled_.objects[node.merged], value, marks);
  }
  const NodeIndex unevaluated = UnevaluatedOf(node, value);
  if (unevaluated == kNone) return AcceptsRules(node, value, marks);
  Marks own(value.size());
  if (!AcceptsRules(node, value, &own) || !AcceptsUnevaluated(node, value, own)) return false;
  if (marks != nullptr) marks->Merge(own);
  return true;
}

bool Evaluator::AcceptsType(const Node& node, json::View value) const {
  const TypeMask type = kTypeOfKind[static_cast<std::size_t>(value.kind())];
  if ((node.types & type) == 0) return false;
  // Of the two sorts of numbers, only integers may be allowed.
  return !value.IsNumber() || (node.types & kFraction) != 0 || json::IsInteger(value.NumberText());
}

bool Evaluator::AcceptsValue(const Node& node, json::View value) const {
  const ValueRules& rules = compiled_.values[node.values];
  const std::size_t strings = rules.strings.keys().size();
  if (value.IsString()) return rules.strings.Find(value.StringOr("")) != kNone;
  return std::any_of(rules.values.begin() + static_cast<std::ptrdiff_t>(strings),
                     rules.values.end(), [&](json::View allowed) { return allowed == value; });
}

bool Evaluator::AcceptsScalar(const Node& node, json::View value) const {
  if (value.IsNumber()) return AcceptsNumber(node, value);
  const TypeMask type = kTypeOfKind[static_cast<std::size_t>(value.kind())];
  if ((node.types & type) == 0) return false;
  if (node.values != kNone && !AcceptsValue(node, value)) return false;
  return node.string == kNone || !value.IsString() ||
         AcceptsText(compiled_.strings[node.string], *value.AsString());
}

bool Evaluator::AcceptsRules(const Node& node, json::View value, Marks* marks) {
  if (!AcceptsScalar(node, value)) return false;
  if (node.object != kNone && value.IsObject() &&
      !AcceptsObject(compiled_.objects[node.object], value, marks)) {
    return false;
  }
  if (node.array != kNone && value.IsArray() &&
      !AcceptsArray(compiled_.arrays[node.array], value, marks)) {
    return false;
  }
  return node.logic == kNone || AcceptsLogic(compiled_.logic[node.logic], value, marks);
}

bool Evaluator::AcceptsNumber(const Node& node, json::View value) const {
  const TypeMask types = node.types & kNumber;
  if (types == 0) return false;
  if (node.values != kNone && !AcceptsValue(node, value)) return false;
  if (types == kNumber && node.number == kNone) return true;
  const json::Operand number(value.NumberText());
  if (types == kInteger && !number.IsInteger()) return false;
  if (node.number == kNone) return true;
  const NumberRules& rules = compiled_.numbers[node.number];
  if (rules.minimum.exists() && Compare(number, rules.minimum) < 0) return false;
  if (rules.maximum.exists() && Compare(number, rules.maximum) > 0) return false;
  if (rules.exclusive_minimum.exists() && Compare(number, rules.exclusive_minimum) <= 0) {
    return false;
  }
  if (rules.exclusive_maximum.exists() && Compare(number, rules.exclusive_maximum) >= 0) {
    return false;
  }
  return !rules.multiple_of.exists() || IsMultiple(number, rules.multiple_of);
}

bool Evaluator::AcceptsText(const StringRules& rules, std::string_view text) const {
  // A character takes one to four bytes, so that counting is mostly not needed.
  if (text.size() > rules.max_length || (text.size() + 3) / 4 < rules.min_length) {
    const std::size_t length = CountCharacters(text);
    if (length < rules.min_length || length > rules.max_length) return false;
  }
  if (rules.check != nullptr && !rules.check(text)) return false;
  return rules.pattern == kNone || compiled_.patterns[rules.pattern].Found(text);
}

bool Evaluator::AcceptsArray(const ArrayRules& rules, json::View value, Marks* marks) {
  const std::size_t size = value.size();
  if (size < rules.min_items || size > rules.max_items) return false;
  const json::Items items = value.items();
  const std::size_t prefix = std::min(size, rules.prefix.size());
  for (std::size_t i = 0; i < prefix; ++i) {
    if (!Accepts(rules.prefix[i], items[i])) return false;
    if (marks != nullptr) marks->Set(i);
  }
  if (rules.items != kNone) {
    for (std::size_t i = prefix; i < size; ++i) {
      if (!Accepts(rules.items, items[i])) return false;
      if (marks != nullptr) marks->Set(i);
    }
  }
  if (rules.contains != kNone && !AcceptsContains(rules, value, marks)) return false;
  return !rules.unique || FindEqualItems(value).second == 0;
}

bool Evaluator::AcceptsContains(const ArrayRules& rules, json::View value, Marks* marks) {
  const bool note = marks != nullptr && rules.contains_evaluates;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (!Accepts(rules.contains, value[i])) continue;
    ++count;
    if (note) marks->Set(i);
    if (count > rules.max_contains) return false;
    if (!note && count >= rules.min_contains && rules.max_contains == kUnbounded) return true;
  }
  return count >= rules.min_contains;
}

bool Evaluator::AcceptsObject(const ObjectRules& rules, json::View value, Marks* marks) {
  const json::Members members = value.members();
  const std::size_t size = members.size();
  if (size < rules.min_properties || size > rules.max_properties) return false;
  std::uint64_t found = 0;
  // Members mostly come in the order of the schema: the next one is tried before the table.
  const ObjectRules::Property* const begin = rules.properties.data();
  const ObjectRules::Property* const end = begin + rules.properties.size();
  const ObjectRules::Property* next = begin;
  const bool plain = rules.plain && marks == nullptr;
  std::size_t i = 0;
  for (const json::Member member : members) {
    const ObjectRules::Property* property = next;
    if (next == end || !SameKey(next->key, member.key)) {
      const std::uint32_t number = rules.table.Find(member.key);
      property = number == kNone ? nullptr : begin + number;
    }
    NodeIndex node = rules.additional;
    if (property != nullptr) {
      next = property + 1;
      found |= property->bit;
      if (property->node != kNone) node = property->node;
    }
    if (plain) {
      if (node != kNone && !Accepts(node, member.value)) return false;
      continue;
    }
    bool looked_at = false;
    if (!AcceptsMember(rules, member, property, looked_at)) return false;
    if (looked_at && marks != nullptr) marks->Set(i);
    ++i;
  }
  if (found != rules.required_mask) return false;
  for (const std::uint32_t property : rules.required_rest) {
    if (!value.Find(rules.properties[property].key).exists()) return false;
  }
  return rules.dependents.empty() || AcceptsDependents(rules, value, marks);
}

bool Evaluator::AcceptsMember(const ObjectRules& rules, const json::Member& member,
                              const ObjectRules::Property* property, bool& looked_at) {
  if (property != nullptr && property->node != kNone) {
    looked_at = true;
    if (!Accepts(property->node, member.value)) return false;
  }
  for (const ObjectRules::PatternProperty& pattern : rules.patterns) {
    if (!compiled_.patterns[pattern.pattern].Found(member.key)) continue;
    looked_at = true;
    if (!Accepts(pattern.node, member.value)) return false;
  }
  if (!looked_at && rules.additional != kNone) {
    looked_at = true;
    if (!Accepts(rules.additional, member.value)) return false;
  }
  return rules.property_names == kNone || NameAccepted(rules.property_names, member.key);
}

bool Evaluator::NameAccepted(NodeIndex index, std::string_view key) {
  const Node& node = compiled_.nodes[index];
  if (node.logic != kNone) return Accepts(index, json::Value::Of(key));
  // What is left can be asked of the text itself.
  if ((node.types & kString) == 0) return false;
  if (node.values != kNone && compiled_.values[node.values].strings.Find(key) == kNone) {
    return false;
  }
  return node.string == kNone || AcceptsText(compiled_.strings[node.string], key);
}

bool Evaluator::AcceptsDependents(const ObjectRules& rules, json::View value, Marks* marks) {
  for (const ObjectRules::Dependent& dependent : rules.dependents) {
    if (!value.Find(dependent.key).exists()) continue;
    for (const std::string_view key : dependent.required) {
      if (!value.Find(key).exists()) return false;
    }
    if (dependent.node != kNone && !Accepts(dependent.node, value, marks)) return false;
  }
  return true;
}

NodeIndex Evaluator::TargetOf(const DynamicRef& ref) const {
  NodeIndex target = ref.fallback;
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->outer) {
    for (const DynamicRef::Target& candidate : ref.targets) {
      if (candidate.resource == scope->resource) target = candidate.node;
    }
  }
  return target;
}

bool Evaluator::AcceptsLogic(const LogicRules& rules, json::View value, Marks* marks) {
  if (rules.ref != kNone && !Accepts(rules.ref, value, marks)) return false;
  if (rules.dynamic_ref != kNone &&
      !Accepts(TargetOf(compiled_.dynamic_refs[rules.dynamic_ref]), value, marks)) {
    return false;
  }
  for (const NodeIndex node : rules.all_of) {
    if (!Accepts(node, value, marks)) return false;
  }
  if (!rules.any_of.empty() && !AcceptsAny(rules, value, marks)) return false;
  if (!rules.one_of.empty() && !AcceptsOne(rules, value, marks)) return false;
  if (rules.not_node != kNone && Accepts(rules.not_node, value)) return false;
  return rules.if_node == kNone || AcceptsIf(rules, value, marks);
}

// One of several ways to go: what a failing one looked at is forgotten.
bool Evaluator::Branch(NodeIndex index, json::View value, Marks* marks) {
  if (marks == nullptr) return Accepts(index, value);
  Marks branch(value.size());
  if (!Accepts(index, value, &branch)) return false;
  marks->Merge(branch);
  return true;
}

bool Evaluator::AcceptsTold(const Telltale& telltale, json::View value, Marks* marks) {
  const json::View text = value.Find(telltale.key);
  if (!text.IsString()) return false;
  const std::uint32_t number = telltale.texts.Find(text.StringOr(""));
  return number != kNone && Accepts(telltale.nodes[number], value, marks);
}

bool Evaluator::AcceptsAny(const LogicRules& rules, json::View value, Marks* marks) {
  if (rules.any_telltale != kNone && value.IsObject()) {
    return AcceptsTold(compiled_.telltales[rules.any_telltale], value, marks);
  }
  bool any = false;
  for (const NodeIndex node : rules.any_of) {
    any = Branch(node, value, marks) || any;
    if (any && marks == nullptr) return true;
  }
  return any;
}

bool Evaluator::AcceptsOne(const LogicRules& rules, json::View value, Marks* marks) {
  if (rules.one_telltale != kNone && value.IsObject()) {
    return AcceptsTold(compiled_.telltales[rules.one_telltale], value, marks);
  }
  bool one = false;
  for (const NodeIndex node : rules.one_of) {
    if (!Branch(node, value, marks)) continue;
    if (one) return false;
    one = true;
  }
  return one;
}

bool Evaluator::AcceptsIf(const LogicRules& rules, json::View value, Marks* marks) {
  const NodeIndex next = Branch(rules.if_node, value, marks) ? rules.then_node : rules.else_node;
  return next == kNone || Accepts(next, value, marks);
}

NodeIndex Evaluator::UnevaluatedOf(const Node& node, json::View value) const {
  if (node.object != kNone && value.IsObject()) return compiled_.objects[node.object].unevaluated;
  if (node.array != kNone && value.IsArray()) return compiled_.arrays[node.array].unevaluated;
  return kNone;
}

bool Evaluator::AcceptsUnevaluated(const Node& node, json::View value, Marks& marks) {
  const NodeIndex rest = UnevaluatedOf(node, value);
  std::size_t i = 0;
  const auto accepts = [&](json::View part) {
    const bool accepted = marks.Has(i) || Accepts(rest, part);
    marks.Set(i++);
    return accepted;
  };
  if (value.IsArray()) return std::ranges::all_of(value.items(), accepts);
  for (const json::Member member : value.members()) {
    if (!accepts(member.value)) return false;
  }
  return true;
}

}  // namespace weir::schema
