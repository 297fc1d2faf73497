#include "weir/schema/compile_keywords.h"

#include <cstddef>

namespace weir::schema {
namespace {

constexpr auto kApply = kApplicatorVocabulary;
constexpr auto kCheck = kValidationVocabulary;
constexpr auto kRest = kUnevaluatedVocabulary;
constexpr auto k7 = Draft::k7;
constexpr auto k2019 = Draft::k2019;
constexpr auto k2020 = Draft::k2020;

constexpr KeywordInfo kKeywords[] = {
    {"$ref", Keyword::kRef},
    {"$dynamicRef", Keyword::kDynamicRef, Inside::kNothing, kCoreVocabulary, k2020},
    {"$recursiveRef", Keyword::kRecursiveRef, Inside::kNothing, kCoreVocabulary, k2019, k2019},
    {"$defs", Keyword::kDefs, Inside::kMap, kCoreVocabulary, k2019},
    {"definitions", Keyword::kDefs, Inside::kMap},
    {"type", Keyword::kType, Inside::kNothing, kCheck},
    {"enum", Keyword::kEnum, Inside::kNothing, kCheck},
    {"const", Keyword::kConst, Inside::kNothing, kCheck},
    {"multipleOf", Keyword::kMultipleOf, Inside::kNothing, kCheck},
    {"minimum", Keyword::kMinimum, Inside::kNothing, kCheck},
    {"maximum", Keyword::kMaximum, Inside::kNothing, kCheck},
    {"exclusiveMinimum", Keyword::kExclusiveMinimum, Inside::kNothing, kCheck},
    {"exclusiveMaximum", Keyword::kExclusiveMaximum, Inside::kNothing, kCheck},
    {"minLength", Keyword::kMinLength, Inside::kNothing, kCheck},
    {"maxLength", Keyword::kMaxLength, Inside::kNothing, kCheck},
    {"pattern", Keyword::kPattern, Inside::kNothing, kCheck},
    {"format", Keyword::kFormat, Inside::kNothing, kFormatVocabulary},
    {"items", Keyword::kItems, Inside::kSchemaOrList, kApply, k7, k2019},
    {"items", Keyword::kItems, Inside::kSchema, kApply, k2020},
    {"prefixItems", Keyword::kPrefixItems, Inside::kList, kApply, k2020},
    {"additionalItems", Keyword::kAdditionalItems, Inside::kSchema, kApply, k7, k2019},
    {"contains", Keyword::kContains, Inside::kSchema, kApply},
    {"minContains", Keyword::kMinContains, Inside::kNothing, kCheck, k2019},
    {"maxContains", Keyword::kMaxContains, Inside::kNothing, kCheck, k2019},
    {"minItems", Keyword::kMinItems, Inside::kNothing, kCheck},
    {"maxItems", Keyword::kMaxItems, Inside::kNothing, kCheck},
    {"uniqueItems", Keyword::kUniqueItems, Inside::kNothing, kCheck},
    {"unevaluatedItems", Keyword::kUnevaluatedItems, Inside::kSchema, kRest, k2019},
    {"properties", Keyword::kProperties, Inside::kMap, kApply},
    {"patternProperties", Keyword::kPatternProperties, Inside::kMap, kApply},
    {"additionalProperties", Keyword::kAdditionalProperties, Inside::kSchema, kApply},
    {"propertyNames", Keyword::kPropertyNames, Inside::kSchema, kApply},
    {"required", Keyword::kRequired, Inside::kNothing, kCheck},
    {"minProperties", Keyword::kMinProperties, Inside::kNothing, kCheck},
    {"maxProperties", Keyword::kMaxProperties, Inside::kNothing, kCheck},
    {"dependencies", Keyword::kDependencies, Inside::kMapOrKeys, kApply},
    {"dependentRequired", Keyword::kDependentRequired, Inside::kNothing, kCheck, k2019},
    {"dependentSchemas", Keyword::kDependentSchemas, Inside::kMap, kApply, k2019},
    {"unevaluatedProperties", Keyword::kUnevaluatedProperties, Inside::kSchema, kRest, k2019},
    {"allOf", Keyword::kAllOf, Inside::kList, kApply},
    {"anyOf", Keyword::kAnyOf, Inside::kList, kApply},
    {"oneOf", Keyword::kOneOf, Inside::kList, kApply},
    {"not", Keyword::kNot, Inside::kSchema, kApply},
    {"if", Keyword::kIf, Inside::kSchema, kApply},
    {"then", Keyword::kThen, Inside::kSchema, kApply},
    {"else", Keyword::kElse, Inside::kSchema, kApply},
};

std::string_view DropScheme(std::string_view uri) {
  while (uri.ends_with('#')) uri.remove_suffix(1);
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (uri.starts_with(scheme)) return uri.substr(scheme.size());
  }
  return uri;
}

}  // namespace

bool FindDraft(std::string_view uri, Draft& draft) {
  const std::string_view name = DropScheme(uri);
  // Draft 6 is draft 7 without "if", and nobody writes an "if" that is to mean nothing.
  if (name == "json-schema.org/draft-07/schema" || name == "json-schema.org/draft-06/schema") {
    draft = k7;
  } else if (name == "json-schema.org/draft/2019-09/schema") {
    draft = k2019;
  } else if (name == "json-schema.org/draft/2020-12/schema") {
    draft = k2020;
  } else {
    return false;
  }
  return true;
}

bool FindVocabulary(std::string_view uri, std::uint8_t& bit) {
  std::string_view name = DropScheme(uri);
  bool is_2019 = false;
  if (name.starts_with("json-schema.org/draft/2020-12/vocab/")) {
    name = name.substr(name.rfind('/') + 1);
  } else if (name.starts_with("json-schema.org/draft/2019-09/vocab/")) {
    name = name.substr(name.rfind('/') + 1);
    is_2019 = true;
  } else {
    return false;
  }
  bit = 0;
  if (name == "core") {
    bit = kCoreVocabulary;
  } else if (name == "applicator") {
    bit = is_2019 ? kApplicatorVocabulary | kUnevaluatedVocabulary : kApplicatorVocabulary;
  } else if (name == "unevaluated") {
    bit = kUnevaluatedVocabulary;
  } else if (name == "validation") {
    bit = kValidationVocabulary;
  } else if (name == "format" || name == "format-annotation") {
    bit = kFormatVocabulary;
  } else if (name == "format-assertion") {
    bit = kFormatVocabulary | kFormatAssertionVocabulary;
  } else if (name != "meta-data" && name != "content") {
    return false;
  }
  return true;
}

const KeywordInfo* FindKeyword(std::string_view name, Dialect dialect) {
  for (const KeywordInfo& info : kKeywords) {
    if (info.name.size() == name.size() && info.name == name && info.first <= dialect.draft &&
        dialect.draft <= info.last) {
      return (info.vocabulary & dialect.vocabularies) != 0 ? &info : nullptr;
    }
  }
  return nullptr;
}

}  // namespace weir::schema
