#pragma once

// The pieces that whole responses and the events of a stream have in common, on the client's side.

#include <string>
#include <utility>

#include "weir/base/error.h"
#include "weir/json/value.h"
#include "weir/model/reply.h"
#include "weir/wire/reply_parts.h"

namespace weir::wire {

// The error of a response that failed, or of an error event: {"code":...,"message":...}.
Error ResponseFailure(json::View error);

// id, model, created_at; what is not there leaves `info` as it is.
void NoteResponse(json::View response, model::ReplyInfo& info);

model::Usage DecodeResponseUsage(json::View usage);

// Why a finished response ended, in the words of chat. `calls` tells whether it called functions.
struct ResponseEnd {
  model::Finish finish = model::Finish::kNone;
  std::string text;
};
ResponseEnd EndOf(json::View response, bool calls);

// What a reasoning item tells: its content or else its summary, whose parts are paragraphs.
std::string ThoughtsOf(json::View item);

// Adds a message item to `out`, a choice or a delta.
template <class Answer>
void TakeMessage(json::View item, Answer& out) {
  for (const json::View part : item.Find("content").items()) {
    out.text += part.Find("text").StringOr("");
    out.refusal += part.Find("refusal").StringOr("");
    for (model::Token& token : DecodeTokenList(part.Find("logprobs"))) {
      out.tokens.push_back(std::move(token));
    }
  }
}

}  // namespace weir::wire
