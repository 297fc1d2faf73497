#pragma once

// Bends a value that was read from a model to the schema it was asked for: "12" where a number is
// wanted, one item where a list is, "userName" for "user_name", a document inside a string. Every
// difference between what came in and what goes out is a Change with a price, the cheapest way
// wins, and what would be a guess is refused. docs/schema-coerce.md lists the rules.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/schema/schema.h"

namespace weir::schema {

// What was changed. Every kind has one stable word, see ChangeName().
enum class ChangeKind : std::uint8_t {
  kTextTrimmed,        // white space around a text
  kTextUnquoted,       // quotes, markdown or punctuation around a text
  kNumberFromText,     // "12" -> 12
  kNumberFromGrouped,  // "1,234" -> 1234
  kBoolFromText,       // "yes" -> true
  kBoolFromProse,      // "The answer is True" -> true
  kNullFromText,       // "null", "none", "" -> null
  kTextFromScalar,     // 12 -> "12", true -> "true"
  kTextFromDocument,   // {"a":1} -> "{\"a\":1}"
  kDocumentFromText,   // "{\"a\":1}" -> {"a":1}
  kDocumentFromProse,  // the same where the text had to be mended or had words around it
  kChoiceByCase,       // an enumerated value, up to upper and lower case and quotes
  kChoiceByFold,       // up to accents and punctuation
  kChoiceByAlias,      // by "title", "alias" or "aliases" of the schema of the value
  kChoiceByScalar,     // "2" -> 2, 2 -> "2"
  kChoiceInProse,      // the only one of the choices that a text names
  kListFromSingle,     // 1 -> [1]
  kSingleFromList,     // [1] -> 1
  kUnwrapped,          // {"result": 1} -> 1
  kWrapped,            // 1 -> {"count": 1}, when that is the only property
  kKeyRenamed,         // up to case, separators and accents, or by alias
  kExtraDropped,       // a property that is forbidden
  kNullDropped,        // an optional property whose null is forbidden
  kDefaultFilled,      // a required property that is missing, or null, has a default
  kNullFilled,         // a required property that is missing may be null
};
inline constexpr std::size_t kChangeKinds = static_cast<std::size_t>(ChangeKind::kNullFilled) + 1;

// "number_from_text", "key_renamed", ...
std::string_view ChangeName(ChangeKind kind);

// What one change of this kind adds to the penalty; at least 1.
int ChangePenalty(ChangeKind kind);

struct Change {
  ChangeKind kind;
  // A JSON pointer in the result; of something that was dropped: the object it was dropped from.
  std::string path;
  std::string note;  // a sentence: "the string \"12\" became the number 12"
  int penalty;

  friend bool operator==(const Change&, const Change&) = default;
};

struct CoerceOptions {
  // Values and schemas that may be tried on each other; more is an error. Plain schemas take one
  // per value, unions one per way.
  std::size_t max_candidates = 200'000;
  std::size_t max_depth = 400;       // ways and values inside each other
  std::size_t max_changes = 10'000;  // more is an error
  // Of the whole; a value that would cost more is refused. Defaults and nulls for what is missing
  // cost 100 and more each, so that 99 takes only what the model has said.
  int max_penalty = std::numeric_limits<int>::max();
  // A text longer than this is not searched for a choice that it might name.
  std::size_t max_prose_bytes = 4096;
};

struct Coerced {
  json::Value value;            // obeys the schema
  std::vector<Change> changes;  // in the order of the result
  int penalty = 0;              // the sum of theirs
};

// A valid value comes back equal, with no change. Otherwise the cheapest way to a valid value is
// taken. Two ways at the same price to different values are refused, not guessed, and nothing is
// invented but what "default" says and null where the schema names it. What only "not", "if",
// "contains", "dependent...", "propertyNames", "uniqueItems" and "unevaluatedItems" ask is checked
// but never bent.
//
// Fails with kSchemaMismatch: the first violation of the best try, what was ambiguous, or the
// option that set the limit.
Result<Coerced> Coerce(const Schema& schema, json::View value, const CoerceOptions& options = {});

}  // namespace weir::schema
