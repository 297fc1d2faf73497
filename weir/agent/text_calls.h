#pragma once

// Calls that a model wrote down as plain JSON, in no form of its family: small models do, and
// servers leave them in the text.

#include <string_view>
#include <vector>

#include "weir/model/message.h"

namespace weir::agent {

// {"name": TOOL, "arguments": {...}}, or a list of such objects, with or without words or a fence
// around; "tool" and "function" stand for "name", "parameters" and "args" for "arguments". Empty
// where the text is something else, or one of the names is no tool.
std::vector<model::ToolCall> CallsInText(std::string_view text,
                                         const std::vector<model::ToolSpec>& tools);

}  // namespace weir::agent
