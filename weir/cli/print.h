#pragma once

// Replies as text and as JSON.

#include <optional>
#include <string>
#include <vector>

#include "weir/model/reply.h"

namespace weir::cli {

// One JSON document, with its newline, for a whole reply, or for an error and what came before it.
std::string ReplyJson(const model::Reply& reply, const std::optional<Error>& error);
// One JSON line for a piece of a stream.
std::string DeltaJson(const model::Delta& delta);
// {"error":{...}} with its newline.
std::string ErrorJson(const Error& error);
// The last JSON line of a stream: {"degradations":[...],"confidence":{...}}, of these what there
// is; empty: there is nothing.
std::string EndJson(const model::Reply& reply);

// The tool calls of one answer, each a JSON line.
std::string ToolCallLines(const model::Choice& choice);

// "12 + 34 tokens, first token after 56 ms, 1.2 s in all, 2 attempts"
std::string Summary(const model::Reply& reply);
// To a millionth.
std::string FormatCost(double cost);

}  // namespace weir::cli
