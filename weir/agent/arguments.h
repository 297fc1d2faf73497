#pragma once

// From the text that a model wrote for the arguments of a tool to a value that obeys its schema.

#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/model/message.h"
#include "weir/schema/schema.h"

namespace weir::agent {

// The schema of a tool whose `parameters` are null: any object.
Result<schema::Schema> CompileArguments(const model::ToolSpec& spec);

// How far a value may be bent to its schema.
enum class Bending : std::uint8_t {
  kAll,    // as schema::Coerce() does: a choice that a text names is taken, "number 2" -> 2
  kSmall,  // spelling only, such as "12" for 12: what a result says of itself is never guessed
};

// Mends the text where that is honest and fits the value to the schema; nothing that the model has
// not said is made up. What was mended is appended to `repairs`, in words, unless that is null. An
// empty text is {}. Fails with kInvalidJson and kSchemaMismatch; the message is for the model.
Result<json::Value> ReadArguments(const model::ToolCall& call, const schema::Schema& schema,
                                  Bending bending = Bending::kAll,
                                  std::vector<std::string>* repairs = nullptr);

}  // namespace weir::agent
