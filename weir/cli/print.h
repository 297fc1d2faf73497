#pragma once

// Replies as text and as JSON.

#include <string>

#include "weir/cli/run_call.h"
#include "weir/model/reply.h"

namespace weir::cli {

// One JSON document for a whole reply, with its newline.
std::string ReplyJson(const model::Reply& reply);
// One JSON line for a piece of a stream.
std::string DeltaJson(const model::Delta& delta);
// {"error":{...}} with its newline.
std::string ErrorJson(const Error& error);

// What text output shows of one answer: the text, or the reasoning; tool calls as JSON lines.
std::string AnswerText(const model::Choice& choice, ShowReasoning reasoning);

// "12 + 34 tokens, first token after 56 ms, 1.2 s in all, 2 attempts"
std::string Summary(const model::Reply& reply);

}  // namespace weir::cli
