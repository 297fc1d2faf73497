#include "weir/agent/arguments.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/schema/coerce.h"

namespace weir::agent {
namespace {

// Defaults and nulls for what the model has not said cost 100 and more: they are not invented.
constexpr int kMostInvented = 99;

bool Guesses(const schema::Change& change) {
  using schema::ChangeKind;
  constexpr std::array kGuesses = {ChangeKind::kChoiceByFold,   ChangeKind::kChoiceByAlias,
                                   ChangeKind::kChoiceByScalar, ChangeKind::kChoiceInProse,
                                   ChangeKind::kBoolFromProse,  ChangeKind::kUnwrapped,
                                   ChangeKind::kWrapped,        ChangeKind::kSingleFromList};
  return std::ranges::find(kGuesses, change.kind) != kGuesses.end();
}

}  // namespace

Result<schema::Schema> CompileArguments(const model::ToolSpec& spec) {
  if (!spec.parameters.IsNull()) return schema::Schema::Compile(spec.parameters);
  WEIR_TRY(const json::Value any, json::Read(R"({"type":"object"})"));
  return schema::Schema::Compile(any);
}

Result<json::Value> ReadArguments(const model::ToolCall& call, const schema::Schema& schema,
                                  Bending bending, std::vector<std::string>* repairs) {
  const bool none = Trim(call.arguments).empty();
  WEIR_TRY(json::Mended read, json::ReadLenient(none ? "{}" : std::string_view(call.arguments)));
  if (!read.report.complete) {
    return Fail(Code::kInvalidJson, "they end in the middle of their JSON");
  }
  if (repairs != nullptr) {
    for (const json::Repair& repair : read.report.repairs) {
      repairs->push_back(StrCat(call.name, ": ", json::RepairName(repair.kind), " at byte ",
                                repair.offset, " of the arguments"));
    }
  }
  const Result<void> valid = schema.Validate(read.value);
  if (valid) return std::move(read.value);
  Result<schema::Coerced> coerced =
      schema::Coerce(schema, read.value, {.max_penalty = kMostInvented});
  if (!coerced) return Fail(valid.error());
  if (bending == Bending::kSmall && std::ranges::any_of(coerced->changes, Guesses)) {
    return Fail(valid.error());
  }
  if (repairs != nullptr) {
    for (const schema::Change& change : coerced->changes) {
      repairs->push_back(StrCat(call.name, ": ", change.note));
    }
  }
  return std::move(coerced->value);
}

}  // namespace weir::agent
