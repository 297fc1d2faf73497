#pragma once

// The pieces that whole responses and the events of a stream have in common.

#include <span>
#include <string>
#include <string_view>

#include "weir/json/writer.h"
#include "weir/wire/responses_server.h"

namespace weir::wire {

// How an answer stands.
struct ResponseState {
  std::string_view status;             // "in_progress", "completed", "incomplete", "failed"
  std::string_view incomplete_reason;  // empty: written as null
  const ServerError* error = nullptr;
  std::span<const ResponseItem> output;
  const model::Usage* usage = nullptr;
};

// The status and the reason of a finished answer.
ResponseState StateOf(model::Finish finish);

void WriteResponse(const model::ReplyInfo& info, const ResponsesEcho& echo,
                   const ResponseState& state, const Dialect& dialect, json::Writer& out);

// Whether parts of text have a list of log-probabilities; vLLM writes null unless they were asked
// for.
bool ListsLogprobs(const ResponsesEcho& echo, const Dialect& dialect);

// One entry of `output`. `logprobs` says whether they are listed.
void WriteItem(const ResponseItem& item, bool logprobs, json::Writer& out);

// {"type":"output_text",...} or {"type":"reasoning_text",...} of an item that is done, or, with
// `begun`, that has just begun.
void WritePart(const ResponseItem& item, bool begun, bool logprobs, json::Writer& out);

// The id of the item in this place of the output: "msg_..." of the response "resp_...".
std::string ItemId(ResponseItem::Kind kind, const model::ReplyInfo& info, std::size_t place);
std::string CallId(std::string_view given, const model::ReplyInfo& info, std::size_t place);

// A list of log-probabilities; the short form, of deltas, has no bytes.
void WriteResponseLogprobs(std::span<const model::Token> tokens, bool short_form,
                           json::Writer& out);

}  // namespace weir::wire
