#pragma once

// A JSON Schema as the language of its texts: what a decoder that is held to the schema may write.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/schema/automaton.h"

namespace weir::schema {

struct SchemaTextOptions {
  enum class Whitespace : std::uint8_t {
    kCompact,  // none at all
    kFree,     // wherever JSON allows it
  };
  enum class Order : std::uint8_t {
    kDeclared,  // members in the order of `properties`, others behind them: what decoders write
    kAny,       // any order, and a name may come twice: what is valid
  };

  Whitespace whitespace = Whitespace::kFree;
  Order order = Order::kAny;
  // Every way of writing the same value: 1.0 and 1e3 for an integer, \u0061 in a name or a
  // constant. Without it constants and integers have one spelling each.
  bool every_spelling = true;
  bool draft_7 = false;               // of a schema without $schema: nothing beside a $ref counts
  bool assert_formats = false;        // date, date-time, time and uuid
  std::size_t max_rules = 20'000;     // places of the schema, and combinations of them
  std::size_t max_depth = 100;        // of the values in enum and const
  std::uint32_t max_repeat = 10'000;  // bounds above are not enforced
  std::size_t max_ordered_required = 4;  // required names enforced in one object under Order::kAny
  LanguageOptions language = {};
};

struct SchemaLanguage {
  Language language;
  // JSON pointers of the keywords that the language leaves to the validator, with the reason in
  // brackets where there is a special one: "#/properties/a/multipleOf".
  std::vector<std::string> not_enforced;
};

// With the default options every text of every valid instance is in the language; what is in the
// language and yet invalid breaks a keyword in `not_enforced`, or repeats a name.
//
// Enforced: type, enum, const, properties, required, additionalProperties (with patternProperties
// beside it), prefixItems, items (the draft 7 forms too), minItems, maxItems, minLength, maxLength
// or pattern, minimum and maximum and their exclusive forms for integers, anyOf, oneOf (as anyOf),
// allOf, and $ref into the same document, recursive ones included.
//
// Fails with kInvalidSchema when the schema is neither an object nor a boolean, and with
// kUnsupportedSchema when a limit is passed.
Result<SchemaLanguage> LanguageOfSchema(json::View schema, const SchemaTextOptions& options = {});

}  // namespace weir::schema
