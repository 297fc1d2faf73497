#include "weir/schema/compile_node.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/schema/schema_words.h"

namespace weir::schema {

NodeIndex NodeCompiler::NodeOf(std::uint32_t location) {
  if (node_of_location_.size() <= location) {
    node_of_location_.resize(registry_.location_count(), kNone);
  }
  NodeIndex& index = node_of_location_[location];
  if (index == kNone) {
    index = static_cast<NodeIndex>(out_.nodes.size());
    const Location& at = registry_.location(location);
    out_.nodes.push_back({.resource = at.resource, .place = at.place, .source = at.schema});
    location_of_node_.push_back(location);
  }
  return index;
}

Result<void> NodeCompiler::Run() {
  do {
    for (; filled_ < out_.nodes.size(); ++filled_) {
      WEIR_CHECK(Fill(static_cast<NodeIndex>(filled_)));
    }
  } while (AddDynamicTargets());
  SettleDynamicRefs();
  return {};
}

Result<void> NodeCompiler::Fill(NodeIndex index) {
  // A copy, because filling in appends to the nodes.
  Node node = out_.nodes[index];
  current_ = index;
  place_ = node.place;
  resource_ = node.resource;
  if (node.source.IsBool()) {
    node.types = node.source.BoolOr(true) ? kAnyType : TypeMask{0};
    node.accepts_all = node.types == kAnyType;
    out_.nodes[index] = node;
    return {};
  }
  Rules rules;
  const Dialect dialect = registry_.dialect(resource_);
  const bool only_ref = dialect.draft == Draft::k7 && node.source.Find("$ref").exists();
  for (const json::Member member : node.source.members()) {
    const KeywordInfo* const info = FindKeyword(member.key, dialect);
    if (info == nullptr || (only_ref && info->keyword != Keyword::kRef)) continue;
    WEIR_CHECK(Dispatch({.info = info, .name = member.key, .value = member.value}, node, rules));
  }
  Finish(node, rules);
  out_.nodes[index] = node;
  return {};
}

Result<void> NodeCompiler::Dispatch(const Field& field, Node& node, Rules& rules) {
  const Keyword keyword = field.info->keyword;
  if (keyword <= Keyword::kRecursiveRef) return RefField(field, rules);
  if (keyword == Keyword::kDefs) return {};
  if (keyword == Keyword::kType) return TypeField(field, node);
  if (keyword == Keyword::kConst) {
    rules.constant = field.value;
    return {};
  }
  if (keyword == Keyword::kEnum) {
    if (!field.value.IsArray()) {
      return Wrong(field, StrCat("expected an array of values, got ", Show(field.value)));
    }
    rules.enumeration = field.value;
    return {};
  }
  if (keyword <= Keyword::kExclusiveMaximum) return NumberField(field, rules);
  if (keyword <= Keyword::kFormat) return StringField(field, rules);
  if (keyword <= Keyword::kUnevaluatedItems) return ArrayField(field, rules);
  if (keyword <= Keyword::kUnevaluatedProperties) return ObjectField(field, rules);
  return LogicField(field, rules);
}

Result<void> NodeCompiler::RefField(const Field& field, Rules& rules) {
  if (!field.value.IsString()) {
    return Wrong(field, StrCat("expected a reference as a string, got ", Show(field.value)));
  }
  const std::uint32_t place = registry_.AddPlace(place_, field.name);
  WEIR_TRY(const Target target, registry_.Resolve(resource_, field.value.StringOr(""), place));
  const NodeIndex node = NodeOf(target.location);
  const std::uint32_t resource = registry_.location(target.location).resource;
  const bool recursive =
      field.info->keyword == Keyword::kRecursiveRef && registry_.HasRecursiveAnchor(resource);
  rules.has_logic = true;
  if (recursive ||
      (field.info->keyword == Keyword::kDynamicRef && !target.dynamic_anchor.empty())) {
    rules.logic.dynamic_ref = static_cast<std::uint32_t>(out_.dynamic_refs.size());
    out_.dynamic_refs.push_back({.fallback = node});
    open_.push_back({.index = rules.logic.dynamic_ref,
                     .node = current_,
                     .anchor = recursive ? "" : target.dynamic_anchor});
  } else if (rules.logic.ref == kNone) {
    rules.logic.ref = node;
  } else {
    rules.logic.all_of.push_back(node);
  }
  return {};
}

bool NodeCompiler::AddDynamicTargets() {
  std::vector<bool> entered(out_.resources.size(), false);
  for (const Node& node : out_.nodes) entered[node.resource] = true;
  const std::size_t before = out_.nodes.size();
  for (const OpenDynamicRef& open : open_) {
    std::vector<DynamicRef::Target>& targets = out_.dynamic_refs[open.index].targets;
    targets.clear();
    for (std::uint32_t resource = 0; resource < entered.size(); ++resource) {
      if (!entered[resource]) continue;
      std::uint32_t location = kNone;
      if (!open.anchor.empty()) {
        location = registry_.FindDynamicAnchor(resource, open.anchor);
      } else if (registry_.HasRecursiveAnchor(resource)) {
        location = registry_.RootOf(resource);
      }
      if (location != kNone) targets.push_back({.resource = resource, .node = NodeOf(location)});
    }
  }
  return out_.nodes.size() > before;
}

void NodeCompiler::SettleDynamicRefs() {
  bool open = false;
  for (const OpenDynamicRef& ref : open_) {
    const DynamicRef& dynamic = out_.dynamic_refs[ref.index];
    LogicRules& logic = out_.logic[out_.nodes[ref.node].logic];
    if (dynamic.targets.size() <= 1 && logic.ref == kNone) {
      logic.ref = dynamic.targets.empty() ? dynamic.fallback : dynamic.targets.front().node;
      logic.dynamic_ref = kNone;
    } else {
      open = true;
    }
  }
  if (!open) out_.dynamic_refs.clear();
}

void NodeCompiler::FinishValues(Rules& rules) {
  ValueRules& out = rules.values;
  out.is_const = rules.constant.exists();
  std::vector<json::View> others;
  std::vector<std::string_view> strings;
  const auto add = [&](json::View value) {
    if (!value.IsString()) {
      others.push_back(value);
    } else if (std::ranges::find(strings, value.StringOr("")) == strings.end()) {
      strings.push_back(value.StringOr(""));
      out.values.push_back(value);
    }
  };
  if (!rules.enumeration.exists()) {
    add(rules.constant);
  } else {
    for (const json::View value : rules.enumeration.items()) {
      if (!out.is_const || value == rules.constant) add(value);
    }
  }
  out.strings.Build(std::move(strings));
  out.values.insert(out.values.end(), others.begin(), others.end());
}

void NumberRequired(ObjectRules& rules) {
  std::uint64_t bit = 1;
  for (std::uint32_t i = 0; i < rules.properties.size(); ++i) {
    ObjectRules::Property& property = rules.properties[i];
    property.bit = 0;
    if (!property.required) continue;
    property.bit = bit;
    rules.required_mask |= bit;
    if (bit == 0) rules.required_rest.push_back(i);
    bit <<= 1;
  }
}

void NodeCompiler::FinishObject(Rules& rules) {
  ObjectRules& out = rules.object;
  out.plain = out.patterns.empty() && out.property_names == kNone;
  std::vector<std::string_view> keys;
  keys.reserve(out.properties.size());
  for (const ObjectRules::Property& property : out.properties) keys.push_back(property.key);
  out.table.Build(keys);
  std::unordered_map<std::string_view, std::uint32_t> only_required;
  for (const json::View item : rules.required.items()) {
    const std::string_view key = item.StringOr("");
    const std::uint32_t known = out.table.Find(key);
    if (known != kNone) {
      out.properties[known].required = true;
    } else if (only_required.emplace(key, 0).second) {
      out.properties.push_back({.key = key, .required = true});
      keys.push_back(key);
    }
  }
  if (keys.size() > out.table.keys().size()) out.table.Build(std::move(keys));
  NumberRequired(out);
}

void NodeCompiler::Finish(Node& node, Rules& rules) {
  const auto put = [](auto& pool, auto&& value) {
    pool.push_back(std::forward<decltype(value)>(value));
    return static_cast<std::uint32_t>(pool.size() - 1);
  };
  if (rules.constant.exists() || rules.enumeration.exists()) {
    FinishValues(rules);
    node.values = put(out_.values, std::move(rules.values));
  }
  if (rules.has_number) node.number = put(out_.numbers, rules.number);
  if (rules.has_string) node.string = put(out_.strings, rules.string);
  if (rules.has_array) {
    if (rules.items.IsArray()) {
      rules.array.prefix = ChildrenOf(rules.items);
      rules.array.items = rules.additional_items;
    } else if (rules.items.exists()) {
      rules.array.items = ChildOf(rules.items);
    }
    rules.array.contains_evaluates = registry_.dialect(resource_).draft == Draft::k2020;
    node.array = put(out_.arrays, std::move(rules.array));
  }
  if (rules.has_object) {
    FinishObject(rules);
    node.object = put(out_.objects, std::move(rules.object));
  }
  if (rules.has_logic) {
    if (rules.logic.if_node == kNone) rules.logic.then_node = rules.logic.else_node = kNone;
    node.logic = put(out_.logic, std::move(rules.logic));
  }
  node.accepts_all = node.types == kAnyType && node.values == kNone && node.number == kNone &&
                     node.string == kNone && node.array == kNone && node.object == kNone &&
                     node.logic == kNone;
}

}  // namespace weir::schema
