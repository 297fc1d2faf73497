#pragma once

#include <string>

#include "weir/base/result.h"
#include "weir/json/value.h"

// {"text", "model", "prompt_tail", "tools", "partial", "start", "end", "step"} ->
// {"content", "reasoning", "tool_calls": [{"name", "arguments"}], "repairs"}
weir::Result<std::string> AnswerText(weir::json::View question);
