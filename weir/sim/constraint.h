#pragma once

// Constraints, as the simulator holds its own words to them: compiled to the automata of `schema`,
// never to a ready answer.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/model/sampling.h"
#include "weir/schema/automaton.h"
#include "weir/schema/schema.h"

namespace weir::sim {

// One stretch of an answer, and what holds it.
struct Stretch {
  std::string fixed;                         // these bytes, when not empty ...
  std::optional<schema::Language> language;  // ... or a text of this; neither: free text
  // What the language leaves open ("multipleOf", "uniqueItems", ...): the finished text must pass
  // this too. Null: the language says all.
  std::shared_ptr<const schema::Schema> check;
  // The places of what it leaves open, for the sentence that refuses it.
  std::vector<std::string> open;
  // A fault: the only keyword that the text must break when `check` looks at it. Empty: none.
  std::string violates;
};

// An answer is its stretches, one after the other.
struct CompiledConstraint {
  std::vector<Stretch> stretches;
  bool json = false;  // the whole answer is one JSON document
};

// The white space of JSON that is written: what JSON allows, or none outside of strings.
enum class JsonSpacing : std::uint8_t { kFree, kNone };

// Compiles what vLLM takes: JSON Schema, JSON object, regex, choice, grammar (GBNF, Lark) and
// structural tags in both forms. As with vLLM's decoders, members come in declared order, and an
// object that declares its properties takes no others unless its schema says so.
//
// Fails with kInvalidSchema, kUnsupportedSchema, kInvalidPattern, kUnsupportedPattern,
// kInvalidGrammar, or kUnsupportedConstraint (no text obeys it, or a form that is not known).
// `seed` chooses where a structural tag leaves a choice.
Result<CompiledConstraint> CompileConstraint(const model::Constraint& constraint,
                                             std::uint64_t seed,
                                             JsonSpacing spacing = JsonSpacing::kFree);

// The fault "violate": a constraint whose texts break exactly this keyword of a JSON schema,
// somewhere. Fails with kUnsupportedConstraint when the schema has no such keyword, or it cannot be
// broken alone.
Result<CompiledConstraint> CompileViolation(const model::Constraint& constraint,
                                            std::string_view keyword);

// Ways to spell one value that passes the check of `stretch`, for where its language meets one too
// rarely: made from the schema, not written word by word. None need be a text of the language.
// Fails with kUnsupportedConstraint, naming the keyword that no value was found for.
Result<std::vector<std::string>> RareTexts(const Stretch& stretch, std::uint64_t seed);

// The compiled forms of the constraints met lately, by their text; failures are not kept. Of a
// structural tag there are 16 variants, whatever the seed. Thread-safe.
class ConstraintCache {
 public:
  explicit ConstraintCache(std::size_t entries = 256);
  ~ConstraintCache();

  Result<std::shared_ptr<const CompiledConstraint>> Get(const model::Constraint& constraint,
                                                        std::uint64_t seed,
                                                        JsonSpacing spacing = JsonSpacing::kFree);

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace weir::sim
