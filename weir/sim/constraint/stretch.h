#pragma once

// One stretch of each kind that has its own notation. All fail with kUnsupportedConstraint when
// there is no text at all.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/schema/schema_language.h"
#include "weir/sim/constraint.h"

namespace weir::sim {

// `compact`: without white space between the tokens of JSON.
Result<Stretch> SchemaStretch(json::View schema, bool compact = false);
Result<Stretch> RegexStretch(std::string_view expression);
Result<Stretch> GrammarStretch(std::string_view grammar);
Result<Stretch> ChoiceStretch(std::span<const std::string> choices);

// A few words, perhaps none, that hold none of `forbidden`.
Result<Stretch> WordsStretch(std::span<const std::string> forbidden);

// The language of exactly this schema, which must compile: nothing is closed.
Result<schema::SchemaLanguage> DecoderLanguage(json::View schema, bool compact = false);

}  // namespace weir::sim
