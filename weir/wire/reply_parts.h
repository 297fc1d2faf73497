#pragma once

// The pieces that whole replies and chunks have in common, read from their JSON.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/model/reply.h"

namespace weir::wire {

model::Usage DecodeUsage(json::View usage);

// The tree of a whole reply. What is not JSON is kProtocolError; an HTML page is told as such.
Result<json::Value> ReadReplyBody(std::string_view body);

// A list of tokens with their log-probabilities, as chat and responses have it.
std::vector<model::Token> DecodeTokenList(json::View list);

// `logprobs` of a choice: an object in the form of chat ("content") or of completions ("tokens"),
// or Ollama's, the list that is the content of the former.
std::vector<model::Token> DecodeLogprobs(json::View logprobs);

// The reasoning text under either of its names. Servers that send both send the same text twice.

// What a message or a piece of one says: its `content` is a text, or a list of parts, of which
// texts and thoughts are read. Fails on what would be lost.
Result<void> ReadContent(json::View message, std::string& text, std::string& reasoning);

// The arguments of a called function, as text; some servers send them as the object itself.
std::string CallArgumentsOf(json::View function);

void DecodeFinish(json::View choice, model::Finish& finish, std::string& finish_text,
                  json::Value& stop_reason);

// Empties `out` but keeps the memory of its texts.
void Reset(model::Delta& out);

}  // namespace weir::wire
