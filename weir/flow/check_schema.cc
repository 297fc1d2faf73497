#include "weir/flow/check_schema.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/text.h"

namespace weir::flow {
namespace {

using schema::Compiled;
using schema::NodeIndex;
using schema::TypeMask;
using Presence = Found::Presence;

// References inside alternatives can multiply; what is not looked at counts as unknown.
constexpr int kMostSchemaLooks = 10'000;

Found Of(Presence presence) { return {.presence = presence, .types = Anything()}; }

Types TypeOf(const Compiled& schema, NodeIndex node) {
  Types types = Anything();
  types[0].kind = Type::Kind::kSchema;
  types[0].schema = &schema;
  types[0].node = node;
  return types;
}

// Of several that all hold.
Found AllOf(const std::vector<Found>& all) {
  constexpr std::array<Presence, 5> kOrder = {Presence::kWrongKind, Presence::kNever,
                                              Presence::kThere, Presence::kMaybe,
                                              Presence::kUnknown};
  for (const Presence presence : kOrder) {
    for (const Found& found : all) {
      if (found.presence != presence) continue;
      // Whichever names it says more than the rest.
      Found out = found;
      for (const Found& other : all) {
        if (&other != &found && other.presence <= Presence::kMaybe &&
            presence <= Presence::kMaybe) {
          AddTypes(out.types, other.types);
        }
      }
      return out;
    }
  }
  return Of(Presence::kUnknown);
}

class Asker {
 public:
  explicit Asker(const Compiled& schema) : schema_(schema) {}

  Found Follow(NodeIndex index, const PathStep& step) {
    if (++looks_ > kMostSchemaLooks) return Of(Presence::kUnknown);
    const schema::Node& node = schema_[index];
    if (node.types == 0) return Of(Presence::kNever);
    if (node.accepts_all) return Of(Presence::kUnknown);
    const bool member = step.kind == PathStep::Kind::kMember;
    const bool values = step.kind == PathStep::Kind::kValues;
    const TypeMask wanted = member || values ? schema::kObject : schema::kArray;
    const TypeMask kinds = Kinds(index);
    if ((kinds & wanted) == 0) {
      // `a[key]` may mean a member as well as an item.
      const bool may = step.kind == PathStep::Kind::kItem && (kinds & schema::kObject) != 0;
      return Of(may ? Presence::kUnknown : Presence::kWrongKind);
    }
    std::vector<Found> all;
    if (member && node.object != schema::kNone) {
      all.push_back(Member(schema_.objects[node.object], step.key));
    }
    if (!member && !values && node.array != schema::kNone) {
      all.push_back(Item(schema_.arrays[node.array], step));
    }
    if (node.logic != schema::kNone) Logic(schema_.logic[node.logic], step, all);
    Found found = AllOf(all);
    if (member && found.presence == Presence::kUnknown && node.object != schema::kNone &&
        IsFalse(schema_.objects[node.object].unevaluated)) {
      return Of(Presence::kNever);
    }
    const bool other_kinds = kinds != schema::kAnyType && (kinds & ~wanted) != 0;
    if (other_kinds && found.presence == Presence::kThere) found.presence = Presence::kMaybe;
    return found;
  }

  TypeMask Kinds(NodeIndex index) {
    if (++looks_ > kMostSchemaLooks) return schema::kAnyType;
    const schema::Node& node = schema_[index];
    TypeMask kinds = node.types;
    if (node.values != schema::kNone) {
      TypeMask listed = 0;
      for (const json::View value : schema_.values[node.values].values) {
        Type constant;
        constant.kind = Type::Kind::kConstant;
        constant.constant = json::Value::CopyOf(value);
        listed |= KindsOf({constant});
      }
      kinds &= listed;
    }
    if (node.logic == schema::kNone) return kinds;
    const schema::LogicRules& logic = schema_.logic[node.logic];
    if (logic.ref != schema::kNone) kinds &= Kinds(logic.ref);
    for (const NodeIndex one : logic.all_of) kinds &= Kinds(one);
    for (const auto* list : {&logic.any_of, &logic.one_of}) {
      TypeMask any = 0;
      for (const NodeIndex one : *list) any |= Kinds(one);
      if (!list->empty()) kinds &= any;
    }
    return kinds;
  }

  std::optional<std::vector<std::string>> Values(NodeIndex index) {
    if (++looks_ > kMostSchemaLooks) return std::nullopt;
    const schema::Node& node = schema_[index];
    std::vector<std::string> values;
    if (node.values != schema::kNone) {
      for (const json::View value : schema_.values[node.values].values) {
        values.push_back(TextForm(value));
      }
      return values;
    }
    if ((node.types & ~(schema::kBoolean | schema::kNull)) == 0) {
      if ((node.types & schema::kBoolean) != 0) values = {"true", "false"};
      if ((node.types & schema::kNull) != 0) values.emplace_back("null");
      return values;
    }
    if (node.logic == schema::kNone) return std::nullopt;
    const schema::LogicRules& logic = schema_.logic[node.logic];
    if (logic.ref != schema::kNone) return Values(logic.ref);
    for (const NodeIndex one : logic.all_of) {
      if (auto listed = Values(one)) return listed;
    }
    const auto& any = logic.any_of.empty() ? logic.one_of : logic.any_of;
    for (const NodeIndex one : any) {
      const auto listed = Values(one);
      if (!listed) return std::nullopt;
      values.insert(values.end(), listed->begin(), listed->end());
    }
    return any.empty() ? std::nullopt : std::optional(values);
  }

  void Members(NodeIndex index, std::vector<std::string>& names) {
    if (++looks_ > kMostSchemaLooks) return;
    const schema::Node& node = schema_[index];
    if (node.object != schema::kNone) {
      for (const auto& property : schema_.objects[node.object].properties) {
        names.emplace_back(property.key);
      }
    }
    if (node.logic == schema::kNone) return;
    const schema::LogicRules& logic = schema_.logic[node.logic];
    if (logic.ref != schema::kNone) Members(logic.ref, names);
    for (const auto* list : {&logic.all_of, &logic.any_of, &logic.one_of}) {
      for (const NodeIndex one : *list) Members(one, names);
    }
  }

  // `path` is empty for the value itself, which is called `name`.
  std::string Misfit(NodeIndex index, const Types& types, const std::string& path,
                     std::string_view name) {
    const std::string what = path.empty() ? std::string(name) : StrCat("`", path, "`");
    const TypeMask kinds = KindsOf(types);
    const TypeMask wanted = Kinds(index);
    if (wanted != 0 && (kinds & wanted) == 0) {
      return StrCat(what, " is ", KindWords(kinds), " and must be ", KindWords(wanted));
    }
    if (types.size() != 1 || types[0].kind != Type::Kind::kObject) return {};
    const schema::Node& node = schema_[index];
    std::string why;
    if (node.object != schema::kNone) {
      why = MisfitOfMembers(schema_.objects[node.object], types[0], path, what);
    }
    if (node.logic == schema::kNone) return why;
    const schema::LogicRules& logic = schema_.logic[node.logic];
    if (why.empty() && logic.ref != schema::kNone) why = Misfit(logic.ref, types, path, name);
    for (const NodeIndex one : logic.all_of) {
      if (why.empty()) why = Misfit(one, types, path, name);
    }
    return why;
  }

 private:
  std::string MisfitOfMembers(const schema::ObjectRules& rules, const Type& object,
                              const std::string& path, std::string_view what) {
    for (const auto& [key, types] : object.members) {
      const auto property =
          std::ranges::find(rules.properties, key, &schema::ObjectRules::Property::key);
      const bool by_pattern = std::ranges::any_of(rules.patterns, [&](const auto& pattern) {
        return schema_.patterns[pattern.pattern].Found(key);
      });
      NodeIndex node = schema::kNone;
      if (property != rules.properties.end()) node = property->node;
      const bool named = node != schema::kNone || by_pattern;
      if (!named && IsFalse(rules.additional)) return StrCat(what, " may have no `", key, "`");
      if (!named) node = rules.additional;
      if (node == schema::kNone) continue;
      const std::string inner = path.empty() ? key : StrCat(path, ".", key);
      if (std::string why = Misfit(node, types, inner, {}); !why.empty()) return why;
    }
    for (const auto& property : rules.properties) {
      const auto member =
          std::ranges::find(object.members, property.key, &std::pair<std::string, Types>::first);
      if (property.required && member == object.members.end()) {
        return StrCat(what, " has no `", property.key, "`, which is required");
      }
    }
    return {};
  }

  bool IsFalse(NodeIndex index) const {
    return index != schema::kNone && schema_[index].types == 0;
  }

  Found Member(const schema::ObjectRules& rules, std::string_view key) {
    for (const auto& property : rules.properties) {
      if (property.key != key) continue;
      return {
          .presence = property.required ? Presence::kThere : Presence::kMaybe,
          .types = property.node == schema::kNone ? Anything() : TypeOf(schema_, property.node)};
    }
    for (const auto& [pattern, node] : rules.patterns) {
      if (schema_.patterns[pattern].Found(key)) {
        return {.presence = Presence::kMaybe, .types = TypeOf(schema_, node)};
      }
    }
    if (rules.additional == schema::kNone) return Of(Presence::kUnknown);
    if (IsFalse(rules.additional)) return Of(Presence::kNever);
    if (schema_[rules.additional].accepts_all) return Of(Presence::kUnknown);
    return {.presence = Presence::kMaybe, .types = TypeOf(schema_, rules.additional)};
  }

  Found Item(const schema::ArrayRules& rules, const PathStep& step) {
    if (step.kind == PathStep::Kind::kIndex) {
      const bool fixed = step.index < rules.prefix.size();
      const NodeIndex node = fixed ? rules.prefix[step.index] : rules.items;
      if (step.index >= rules.max_items || IsFalse(node)) return Of(Presence::kNever);
      return {.presence = step.index < rules.min_items ? Presence::kThere : Presence::kMaybe,
              .types = node == schema::kNone ? Anything() : TypeOf(schema_, node)};
    }
    Types types;
    for (const NodeIndex node : rules.prefix) AddTypes(types, TypeOf(schema_, node));
    if (rules.items == schema::kNone) {
      AddTypes(types, Anything());
    } else if (!IsFalse(rules.items)) {
      AddTypes(types, TypeOf(schema_, rules.items));
    }
    if (types.empty()) return Of(Presence::kNever);
    return {.presence = Presence::kThere, .types = std::move(types)};
  }

  void Logic(const schema::LogicRules& logic, const PathStep& step, std::vector<Found>& all) {
    if (logic.ref != schema::kNone) all.push_back(Follow(logic.ref, step));
    for (const NodeIndex one : logic.all_of) all.push_back(Follow(one, step));
    for (const auto* list : {&logic.any_of, &logic.one_of}) {
      std::vector<Found> any;
      for (const NodeIndex one : *list) any.push_back(Follow(one, step));
      if (!any.empty()) all.push_back(EitherOf(any));
    }
    // What only one of the two adds may be there.
    for (const NodeIndex one : {logic.then_node, logic.else_node}) {
      if (one == schema::kNone) continue;
      Found found = Follow(one, step);
      if (found.presence == Presence::kThere) found.presence = Presence::kMaybe;
      if (found.presence == Presence::kMaybe) all.push_back(std::move(found));
    }
  }

  const Compiled& schema_;
  int looks_ = 0;
};

}  // namespace

Found EitherOf(const std::vector<Found>& all) {
  Found out = Of(Presence::kUnknown);
  if (all.empty()) return out;
  const auto known = [](const Found& found) { return found.presence <= Presence::kMaybe; };
  if (std::ranges::none_of(all, known)) {
    out.presence = std::ranges::min(all, {}, &Found::presence).presence;
    return out;
  }
  out.types.clear();
  out.presence = Presence::kThere;
  for (const Found& found : all) {
    out.presence = std::max(out.presence, std::min(found.presence, Presence::kMaybe));
    if (known(found)) AddTypes(out.types, found.types);
    if (found.presence == Presence::kUnknown) AddTypes(out.types, Anything());
  }
  return out;
}

Found FollowSchema(const Compiled& schema, NodeIndex node, const PathStep& step) {
  return Asker(schema).Follow(node, step);
}

TypeMask SchemaKinds(const Compiled& schema, NodeIndex node) { return Asker(schema).Kinds(node); }

std::string Misfit(const Compiled& schema, const Types& types, std::string_view name) {
  return Asker(schema).Misfit(schema.root, types, {}, name);
}

std::optional<std::vector<std::string>> SchemaValues(const Compiled& schema, NodeIndex node) {
  return Asker(schema).Values(node);
}

std::vector<std::string> SchemaMembers(const Compiled& schema, NodeIndex node) {
  std::vector<std::string> names;
  Asker(schema).Members(node, names);
  return names;
}

}  // namespace weir::flow
