#include "weir/flow/check_types.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "weir/base/text.h"
#include "weir/flow/check_schema.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using Presence = Found::Presence;

// Alternatives of one value; of more, nothing is said.
constexpr std::size_t kMostTypes = 64;

schema::TypeMask KindOf(json::View value) {
  switch (value.kind()) {
    case json::Kind::kAbsent:
    case json::Kind::kNull:
      return schema::kNull;
    case json::Kind::kBool:
      return schema::kBoolean;
    case json::Kind::kNumber:
      return schema::kInteger | schema::kFraction;
    case json::Kind::kString:
      return schema::kString;
    case json::Kind::kArray:
      return schema::kArray;
    case json::Kind::kObject:
      return schema::kObject;
  }
  return schema::kAnyType;
}

Found Of(Presence presence, Types types = Anything()) {
  return {.presence = presence, .types = std::move(types)};
}

Found FollowConstant(const Type& type, const PathStep& step) {
  const json::View value = type.constant;
  json::View part;
  if (step.kind == PathStep::Kind::kMember) {
    if (!value.IsObject()) return Of(Presence::kWrongKind);
    part = value.Find(step.key);
  } else if (step.kind == PathStep::Kind::kIndex) {
    if (!value.IsArray()) return Of(Presence::kWrongKind);
    part = value[step.index];
  } else {
    return Of(value.IsArray() || value.IsObject() ? Presence::kUnknown : Presence::kWrongKind);
  }
  if (!part.exists()) return Of(Presence::kNever);
  return Of(Presence::kThere, ConstantType(type.constant.Share(part)));
}

Found FollowOne(const Type& type, const PathStep& step) {
  const bool member = step.kind == PathStep::Kind::kMember;
  switch (type.kind) {
    case Type::Kind::kAnything:
      return Of(Presence::kUnknown);
    case Type::Kind::kText:
      return Of(Presence::kWrongKind);
    case Type::Kind::kSchema:
      return FollowSchema(*type.schema, type.node, step);
    case Type::Kind::kList:
      if (member || step.kind == PathStep::Kind::kValues) return Of(Presence::kWrongKind);
      return Of(step.kind == PathStep::Kind::kItem ? Presence::kThere : Presence::kMaybe,
                type.items);
    case Type::Kind::kObject: {
      if (step.kind == PathStep::Kind::kIndex) return Of(Presence::kWrongKind);
      if (!member) return Of(Presence::kUnknown);
      const auto at =
          std::ranges::find(type.members, step.key, &std::pair<std::string, Types>::first);
      if (at == type.members.end()) return Of(Presence::kNever);
      return Of(Presence::kThere, at->second);
    }
    case Type::Kind::kConstant:
      return FollowConstant(type, step);
  }
  return Of(Presence::kUnknown);
}

}  // namespace

Types Anything() {
  Types types;
  types.emplace_back();
  return types;
}

Types TextType(std::vector<std::string> choices) {
  Types types = Anything();
  types[0].kind = Type::Kind::kText;
  types[0].choices = std::move(choices);
  return types;
}

Types SchemaType(const schema::Schema& schema) {
  Types types = Anything();
  types[0].kind = Type::Kind::kSchema;
  types[0].schema = &schema.compiled();
  types[0].node = schema.compiled().root;
  return types;
}

Types ListType(Types items) {
  Types types = Anything();
  types[0].kind = Type::Kind::kList;
  types[0].items = std::move(items);
  return types;
}

Types ConstantType(json::Value value) {
  Types types = Anything();
  types[0].kind = Type::Kind::kConstant;
  types[0].constant = std::move(value);
  return types;
}

void AddTypes(Types& to, const Types& more) {
  const auto same = [](const Type& a, const Type& b) {
    if (a.kind != b.kind) return false;
    if (a.kind == Type::Kind::kSchema) return a.schema == b.schema && a.node == b.node;
    return a.kind == Type::Kind::kAnything;
  };
  for (const Type& type : more) {
    const bool there =
        std::ranges::any_of(to, [&](const Type& known) { return same(known, type); });
    if (!there) to.push_back(type);
  }
  if (to.size() > kMostTypes) to = Anything();
}

std::vector<PathStep> SplitPath(std::string_view path) {
  std::vector<PathStep> steps;
  std::size_t at = 0;
  const auto add = [&](PathStep step, std::size_t end) {
    at = end;
    step.written = path.substr(0, end);
    steps.push_back(std::move(step));
  };
  while (at < path.size()) {
    if (path[at] != '[') {
      const std::size_t from = at + (path[at] == '.' ? 1 : 0);
      const std::size_t end = std::min(path.find_first_of(".[", from), path.size());
      const std::string_view key = path.substr(from, end - from);
      const bool values = key == "*" && from > 0;
      add({.kind = values ? PathStep::Kind::kValues : PathStep::Kind::kMember,
           .key = std::string(key)},
          std::max(end, at + 1));
      continue;
    }
    if (path.substr(at).starts_with("[\"")) {
      std::size_t end = at + 2;
      while (end < path.size() && path[end] != '"') end += path[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, path.size());
      const auto key = json::Read(path.substr(at + 1, end - at - 1));
      add({.key = std::string(key ? key->StringOr("") : "")}, std::min(end + 1, path.size()));
      continue;
    }
    const std::size_t close = std::min(path.find(']', at), path.size() - 1);
    const auto index = ParseUint(path.substr(at + 1, close - at - 1));
    add({.kind = index ? PathStep::Kind::kIndex : PathStep::Kind::kItem,
         .key = {},
         .index = static_cast<std::size_t>(index.value_or(0))},
        close + 1);
  }
  return steps;
}

Found Follow(const Types& types, const PathStep& step) {
  std::vector<Found> all;
  all.reserve(types.size());
  for (const Type& type : types) all.push_back(FollowOne(type, step));
  return EitherOf(all);
}

schema::TypeMask KindsOf(const Types& types) {
  schema::TypeMask kinds = 0;
  for (const Type& type : types) {
    switch (type.kind) {
      case Type::Kind::kAnything:
        return schema::kAnyType;
      case Type::Kind::kText:
        kinds |= schema::kString;
        break;
      case Type::Kind::kSchema:
        kinds |= SchemaKinds(*type.schema, type.node);
        break;
      case Type::Kind::kList:
        kinds |= schema::kArray;
        break;
      case Type::Kind::kObject:
        kinds |= schema::kObject;
        break;
      case Type::Kind::kConstant:
        kinds |= KindOf(type.constant);
        break;
    }
  }
  return kinds;
}

std::string KindWords(schema::TypeMask kinds) {
  const bool whole = (kinds & schema::kNumber) == schema::kInteger;
  const std::array<std::pair<schema::TypeMask, std::string_view>, 6> kWords = {
      {{schema::kString, "a text"},
       {schema::kNumber, whole ? "an integer" : "a number"},
       {schema::kBoolean, "true or false"},
       {schema::kArray, "a list"},
       {schema::kObject, "an object"},
       {schema::kNull, "null"}}};
  std::vector<std::string> words;
  for (const auto& [mask, word] : kWords) {
    if ((kinds & mask) != 0) words.emplace_back(word);
  }
  return words.empty() ? "nothing" : Join(words, " or ");
}

std::optional<std::vector<std::string>> ValuesOf(const Types& types) {
  std::vector<std::string> values;
  const auto add = [&](std::string value) {
    if (std::ranges::find(values, value) == values.end()) values.push_back(std::move(value));
  };
  for (const Type& type : types) {
    if (type.kind == Type::Kind::kConstant) {
      add(TextForm(type.constant));
    } else if (type.kind == Type::Kind::kText && !type.choices.empty()) {
      for (const std::string& choice : type.choices) add(choice);
    } else if (type.kind == Type::Kind::kSchema) {
      const auto listed = SchemaValues(*type.schema, type.node);
      if (!listed) return std::nullopt;
      for (const std::string& value : *listed) add(value);
    } else {
      return std::nullopt;
    }
  }
  return values;
}

std::string NumberForm(std::string_view text) {
  const Result<json::Value> number = json::Read(text);
  if (!number || !number->IsNumber()) return std::string(text);
  if (const auto whole = number->AsInt64()) return StrCat(*whole);
  if (const auto whole = number->AsUint64()) return StrCat(*whole);
  const double value = number->AsDouble().value_or(0);
  constexpr double kExact = 9007199254740992.0;  // up to here, whole numbers are exact
  if (std::trunc(value) != value || std::abs(value) > kExact) return json::Write(*number);
  return StrCat(static_cast<std::int64_t>(value));
}

schema::TypeMask KindsOfCase(json::View equals) {
  constexpr schema::TypeMask kText = schema::kString;
  const Result<json::Value> read = json::Read(TextForm(equals));
  if (!read) return kText;
  const double number = read->AsDouble().value_or(0);
  if (read->IsNumber() && std::trunc(number) != number) return kText | schema::kFraction;
  return kText | KindOf(*read);
}

std::string TextForm(json::View value) {
  if (const auto text = value.AsString()) return std::string(*text);
  if (value.IsNumber()) return NumberForm(value.NumberText());
  return json::Write(value);
}

std::vector<std::string> MembersOf(const Types& types) {
  std::vector<std::string> names;
  const auto add = [&](std::string_view name) {
    if (std::ranges::find(names, name) == names.end()) names.emplace_back(name);
  };
  for (const Type& type : types) {
    for (const auto& [name, member] : type.members) add(name);
    for (const auto& [name, member] : type.constant.members()) add(name);
    if (type.kind != Type::Kind::kSchema) continue;
    for (const std::string& name : SchemaMembers(*type.schema, type.node)) add(name);
  }
  return names;
}

Types ItemsOf(const Types& types) {
  const Found found = Follow(types, {.kind = PathStep::Kind::kItem});
  return found.types;
}

}  // namespace weir::flow
