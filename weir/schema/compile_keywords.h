#pragma once

// Which words of a schema mean something, in which draft, and where more schemas stand inside.

#include <cstdint>
#include <string_view>

#include "weir/schema/schema.h"

namespace weir::schema {

// The vocabularies that change what validation does, as bits.
inline constexpr std::uint8_t kCoreVocabulary = 1;
inline constexpr std::uint8_t kApplicatorVocabulary = 2;
inline constexpr std::uint8_t kUnevaluatedVocabulary = 4;
inline constexpr std::uint8_t kValidationVocabulary = 8;
inline constexpr std::uint8_t kFormatVocabulary = 16;
inline constexpr std::uint8_t kFormatAssertionVocabulary = 32;
inline constexpr std::uint8_t kUsualVocabularies = 31;

// What a "$schema" stands for.
struct Dialect {
  Draft draft = Draft::k2020;
  std::uint8_t vocabularies = kUsualVocabularies;
};

// The draft of a well-known "$schema"; false when it is none.
bool FindDraft(std::string_view uri, Draft& draft);

// The bit of a vocabulary; 0 for those that only annotate. False when it is not known.
bool FindVocabulary(std::string_view uri, std::uint8_t& bit);

enum class Keyword : std::uint8_t {
  kRef,
  kDynamicRef,
  kRecursiveRef,
  kDefs,
  kType,
  kEnum,
  kConst,
  kMultipleOf,
  kMinimum,
  kMaximum,
  kExclusiveMinimum,
  kExclusiveMaximum,
  kMinLength,
  kMaxLength,
  kPattern,
  kFormat,
  kItems,
  kPrefixItems,
  kAdditionalItems,
  kContains,
  kMinContains,
  kMaxContains,
  kMinItems,
  kMaxItems,
  kUniqueItems,
  kUnevaluatedItems,
  kProperties,
  kPatternProperties,
  kAdditionalProperties,
  kPropertyNames,
  kRequired,
  kMinProperties,
  kMaxProperties,
  kDependencies,
  kDependentRequired,
  kDependentSchemas,
  kUnevaluatedProperties,
  kAllOf,
  kAnyOf,
  kOneOf,
  kNot,
  kIf,
  kThen,
  kElse,
};

// Where the schemas inside a keyword's value stand.
enum class Inside : std::uint8_t {
  kNothing,
  kSchema,
  kList,          // [schema, ...]
  kMap,           // {name: schema, ...}
  kSchemaOrList,  // "items" before 2020-12
  kMapOrKeys,     // "dependencies": {name: schema or [key, ...], ...}
};

struct KeywordInfo {
  std::string_view name;
  Keyword keyword;
  Inside inside = Inside::kNothing;
  std::uint8_t vocabulary = kCoreVocabulary;
  Draft first = Draft::k7;
  Draft last = Draft::k2020;
};

// Null for a word that means nothing in this dialect.
const KeywordInfo* FindKeyword(std::string_view name, Dialect dialect);

}  // namespace weir::schema
