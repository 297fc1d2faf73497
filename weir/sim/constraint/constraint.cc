#include "weir/sim/constraint.h"

#include <array>
#include <utility>

#include "weir/json/reader.h"
#include "weir/sim/constraint/stretch.h"
#include "weir/sim/constraint/structural_tag.h"
#include "weir/sim/constraint/violation.h"

namespace weir::sim {
namespace {

using model::Constraint;

CompiledConstraint Alone(Stretch stretch, bool json) {
  CompiledConstraint out;
  out.stretches.push_back(std::move(stretch));
  out.json = json;
  return out;
}

Result<CompiledConstraint> TagOf(const Constraint& constraint, std::uint64_t seed) {
  const bool text = constraint.schema.IsNull() || constraint.schema.IsString();
  if (!text) return CompileStructuralTag(constraint.schema, seed);
  auto read = json::Read(constraint.schema.StringOr(constraint.text));
  if (!read) {
    return Fail(Code::kUnsupportedConstraint, "the text of a structural tag is a JSON object",
                read.error().message);
  }
  return CompileStructuralTag(*read, seed);
}

}  // namespace

Result<CompiledConstraint> CompileConstraint(const Constraint& constraint, std::uint64_t seed,
                                             JsonSpacing spacing) {
  using Kind = Constraint::Kind;
  const bool compact = spacing == JsonSpacing::kNone;
  switch (constraint.kind) {
    case Kind::kJsonSchema: {
      WEIR_TRY(Stretch stretch, SchemaStretch(constraint.schema, compact));
      return Alone(std::move(stretch), true);
    }
    case Kind::kJsonObject: {
      WEIR_TRY(const json::Value any, json::Read(R"({"type":"object"})"));
      WEIR_TRY(Stretch stretch, SchemaStretch(any, compact));
      return Alone(std::move(stretch), true);
    }
    case Kind::kRegex: {
      WEIR_TRY(Stretch stretch, RegexStretch(constraint.text));
      return Alone(std::move(stretch), false);
    }
    case Kind::kChoice: {
      WEIR_TRY(Stretch stretch, ChoiceStretch(constraint.choices));
      return Alone(std::move(stretch), false);
    }
    case Kind::kGrammar: {
      WEIR_TRY(Stretch stretch, GrammarStretch(constraint.text));
      return Alone(std::move(stretch), false);
    }
    case Kind::kStructuralTag:
      return TagOf(constraint, seed);
  }
  std::unreachable();
}

Result<CompiledConstraint> CompileViolation(const Constraint& constraint,
                                            std::string_view keyword) {
  if (constraint.kind != Constraint::Kind::kJsonSchema) {
    return Fail(Code::kUnsupportedConstraint,
                "only a JSON schema has keywords to violate; this is a constraint of another kind");
  }
  WEIR_TRY(Stretch stretch, ViolatingStretch(constraint.schema, keyword));
  return Alone(std::move(stretch), true);
}

}  // namespace weir::sim
