#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/schema/compile_node.h"
#include "weir/schema/schema_words.h"

// One function for each family of keywords: what their values must look like, and where they go.

namespace weir::schema {
namespace {

struct TypeName {
  std::string_view name;
  TypeMask mask;
};

constexpr std::array kTypes = {
    TypeName{"null", kNull},
    TypeName{"boolean", kBoolean},
    TypeName{"object", kObject},
    TypeName{"array", kArray},
    TypeName{"string", kString},
    TypeName{"integer", kInteger},
    TypeName{"number", kInteger | kFraction},
};

}  // namespace

std::unexpected<Error> NodeCompiler::Wrong(const Field& field, std::string_view what,
                                           Code code) const {
  return registry_.Wrong(place_, field.name, what, code);
}

std::vector<NodeIndex> NodeCompiler::ChildrenOf(json::View schemas) {
  std::vector<NodeIndex> out;
  out.reserve(schemas.size());
  for (const json::View schema : schemas.items()) out.push_back(ChildOf(schema));
  return out;
}

Result<void> NodeCompiler::Count(const Field& field, std::uint64_t& out) {
  const std::string_view text = field.value.NumberText();
  if (text.empty() || !json::IsInteger(text) || json::Sign(text) < 0) {
    return Wrong(field, StrCat("expected an integer of 0 or more, got ", Show(field.value)));
  }
  out = field.value.AsUint64().value_or(kUnbounded);
  return {};
}

Result<void> NodeCompiler::Number(const Field& field, json::Bound& out) {
  if (!field.value.IsNumber()) {
    const std::string_view hint =
        field.value.IsBool() ? "; the boolean form belongs to draft 4" : "";
    return Wrong(field, StrCat("expected a number, got ", Show(field.value), hint));
  }
  out = json::MakeBound(field.value.NumberText());
  return {};
}

Result<std::vector<std::string_view>> NodeCompiler::Keys(json::View list, const Field& field) {
  if (!list.IsArray()) {
    return Wrong(field, StrCat("expected an array of property names, got ", Show(list)));
  }
  std::vector<std::string_view> out;
  for (const json::View key : list.items()) {
    if (!key.IsString()) {
      return Wrong(field, StrCat("expected only property names in the array, got ", Show(key)));
    }
    out.push_back(key.StringOr(""));
  }
  return out;
}

Result<std::uint32_t> NodeCompiler::PatternOf(std::string_view text, const Field& field) {
  const auto known = pattern_of_text_.find(text);
  if (known != pattern_of_text_.end()) return known->second;
  auto pattern = Pattern::Compile(text);
  if (!pattern) return Wrong(field, pattern.error().message, pattern.error().code);
  const auto number = static_cast<std::uint32_t>(out_.patterns.size());
  out_.patterns.push_back(*std::move(pattern));
  out_.pattern_texts.push_back(text);
  pattern_of_text_.emplace(text, number);
  return number;
}

Result<void> NodeCompiler::TypeField(const Field& field, Node& node) {
  node.types = 0;
  const auto add = [&](json::View name) -> Result<void> {
    const auto found = std::ranges::find(kTypes, name.StringOr(""), &TypeName::name);
    if (name.IsString() && found != kTypes.end()) {
      node.types |= found->mask;
      return {};
    }
    std::vector<std::string> names;
    names.reserve(kTypes.size());
    for (const TypeName& type : kTypes) names.emplace_back(type.name);
    const auto near = Nearest(name.StringOr(""), names);
    return Wrong(field, StrCat("expected one of ", Join(names, ", "), ", got ", Show(name),
                               near ? StrCat("; did you mean \"", *near, "\"?") : ""));
  };
  if (!field.value.IsArray()) return add(field.value);
  for (const json::View name : field.value.items()) {
    WEIR_CHECK(add(name));
  }
  if (field.value.empty()) return Wrong(field, "expected at least one type, got an empty array");
  return {};
}

Result<void> NodeCompiler::NumberField(const Field& field, Rules& rules) {
  rules.has_number = true;
  switch (field.info->keyword) {
    case Keyword::kMinimum:
      return Number(field, rules.number.minimum);
    case Keyword::kMaximum:
      return Number(field, rules.number.maximum);
    case Keyword::kExclusiveMinimum:
      return Number(field, rules.number.exclusive_minimum);
    case Keyword::kExclusiveMaximum:
      return Number(field, rules.number.exclusive_maximum);
    default:
      break;
  }
  WEIR_CHECK(Number(field, rules.number.multiple_of));
  const std::string_view text = rules.number.multiple_of.text;
  if (json::Sign(text) <= 0) {
    return Wrong(field, StrCat("expected a number above 0, got ", Show(field.value)));
  }
  if (text.size() > json::kMaxDivisorDigits) {
    return Wrong(field, StrCat("the number has more than ", json::kMaxDivisorDigits, " digits"),
                 Code::kUnsupportedSchema);
  }
  return {};
}

Result<void> NodeCompiler::StringField(const Field& field, Rules& rules) {
  const Keyword keyword = field.info->keyword;
  rules.has_string = true;
  if (keyword == Keyword::kMinLength) return Count(field, rules.string.min_length);
  if (keyword == Keyword::kMaxLength) return Count(field, rules.string.max_length);
  if (!field.value.IsString()) {
    return Wrong(field, StrCat("expected a string, got ", Show(field.value)));
  }
  const std::string_view text = field.value.StringOr("");
  if (keyword == Keyword::kFormat) {
    rules.string.format = text;
    const bool asserts =
        (registry_.dialect(resource_).vocabularies & kFormatAssertionVocabulary) != 0;
    if (options_.assert_formats || asserts) rules.string.check = FindFormat(text);
    return {};
  }
  WEIR_TRY(rules.string.pattern, PatternOf(text, field));
  return {};
}

Result<void> NodeCompiler::ArrayField(const Field& field, Rules& rules) {
  ArrayRules& array = rules.array;
  rules.has_array = true;
  switch (field.info->keyword) {
    case Keyword::kItems:
      rules.items = field.value;
      return {};
    case Keyword::kPrefixItems:
      array.prefix = ChildrenOf(field.value);
      return {};
    case Keyword::kAdditionalItems:
      rules.additional_items = ChildOf(field.value);
      return {};
    case Keyword::kContains:
      array.contains = ChildOf(field.value);
      return {};
    case Keyword::kMinContains:
      return Count(field, array.min_contains);
    case Keyword::kMaxContains:
      return Count(field, array.max_contains);
    case Keyword::kMinItems:
      return Count(field, array.min_items);
    case Keyword::kMaxItems:
      return Count(field, array.max_items);
    case Keyword::kUnevaluatedItems:
      array.unevaluated = ChildOf(field.value);
      return {};
    default:
      break;
  }
  if (!field.value.IsBool()) {
    return Wrong(field, StrCat("expected true or false, got ", Show(field.value)));
  }
  array.unique = field.value.BoolOr(false);
  return {};
}

Result<void> NodeCompiler::ObjectField(const Field& field, Rules& rules) {
  ObjectRules& object = rules.object;
  rules.has_object = true;
  switch (field.info->keyword) {
    case Keyword::kProperties:
      for (const json::Member member : field.value.members()) {
        // Of a key that occurs twice, the last one counts, as in an instance.
        const json::View schema =
            field.value.has_duplicate_keys() ? field.value.Find(member.key) : member.value;
        const auto same = [&](const ObjectRules::Property& p) { return p.key == member.key; };
        if (field.value.has_duplicate_keys() && std::ranges::any_of(object.properties, same)) {
          continue;
        }
        object.properties.push_back({.key = member.key, .node = ChildOf(schema)});
      }
      return {};
    case Keyword::kPatternProperties:
      for (const json::Member member : field.value.members()) {
        WEIR_TRY(const std::uint32_t pattern, PatternOf(member.key, field));
        object.patterns.push_back({.pattern = pattern, .node = ChildOf(member.value)});
      }
      return {};
    case Keyword::kAdditionalProperties:
      object.additional = ChildOf(field.value);
      return {};
    case Keyword::kPropertyNames:
      object.property_names = ChildOf(field.value);
      return {};
    case Keyword::kUnevaluatedProperties:
      object.unevaluated = ChildOf(field.value);
      return {};
    case Keyword::kMinProperties:
      return Count(field, object.min_properties);
    case Keyword::kMaxProperties:
      return Count(field, object.max_properties);
    case Keyword::kRequired: {
      WEIR_TRY(const auto keys, Keys(field.value, field));
      rules.required = field.value;
      return {};
    }
    default:
      return DependentField(field, rules);
  }
}

Result<void> NodeCompiler::DependentField(const Field& field, Rules& rules) {
  if (!field.value.IsObject()) {
    return Wrong(field, StrCat("expected an object, got ", Show(field.value)));
  }
  const bool mixed = field.info->keyword == Keyword::kDependencies;
  for (const json::Member member : field.value.members()) {
    ObjectRules::Dependent dependent{.key = member.key, .from_dependencies = mixed};
    if (field.info->keyword == Keyword::kDependentSchemas || (mixed && !member.value.IsArray())) {
      dependent.node = ChildOf(member.value);
    } else {
      WEIR_TRY(dependent.required, Keys(member.value, field));
    }
    rules.object.dependents.push_back(std::move(dependent));
  }
  return {};
}

Result<void> NodeCompiler::LogicField(const Field& field, Rules& rules) {
  LogicRules& logic = rules.logic;
  rules.has_logic = true;
  switch (field.info->keyword) {
    case Keyword::kNot:
      logic.not_node = ChildOf(field.value);
      return {};
    case Keyword::kIf:
      logic.if_node = ChildOf(field.value);
      return {};
    case Keyword::kThen:
      logic.then_node = ChildOf(field.value);
      return {};
    case Keyword::kElse:
      logic.else_node = ChildOf(field.value);
      return {};
    default:
      break;
  }
  if (field.value.empty()) return Wrong(field, "expected at least one schema, got an empty array");
  std::vector<NodeIndex> children = ChildrenOf(field.value);
  if (field.info->keyword == Keyword::kAllOf) {
    logic.all_of.insert(logic.all_of.end(), children.begin(), children.end());
  } else if (field.info->keyword == Keyword::kAnyOf) {
    logic.any_of = std::move(children);
  } else {
    logic.one_of = std::move(children);
  }
  return {};
}

}  // namespace weir::schema
