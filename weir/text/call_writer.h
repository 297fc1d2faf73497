#pragma once

// Calls of tools and what tools are, written into a conversation in the words of a family: for
// models that are told of tools in their prompt.

#include <span>
#include <string>
#include <string_view>

#include "weir/model/message.h"
#include "weir/text/family.h"

namespace weir::text {

// A call as a model of this family writes it, marks included, so that AnswerReader reads it back.
// A family without calls of its own writes as "hermes" does: see CallFamilyOf().
std::string WriteCall(const Family& family, std::string_view name, std::string_view arguments);

// The family in whose words this one is told of tools: itself, unless it has none, or its calls are
// messages of their own that no prompt can ask for.
const Family& CallFamilyOf(const Family& family);

// What stands in the system prompt: every tool with the schema of its arguments, how a call is
// written, and whether one must be made.
std::string DescribeTools(const Family& family, std::span<const model::ToolSpec> tools,
                          const model::ToolChoice& choice);

// The result of a call, as the text of a user's message.
std::string WriteToolResult(std::string_view result);

}  // namespace weir::text
