#pragma once

// How an answer becomes a part of what was said.

#include "weir/model/message.h"
#include "weir/model/reply.h"

namespace weir::client {

// The message of an answer, as it stands in the conversation of the next call. Without choices it
// is empty. Arguments of tools that are no JSON object are mended, also out of a string; what
// cannot be mended becomes {}. Those that are one stay as they are.
model::Message MessageOf(const model::Reply& reply);

// A count that is unknown stays as it was.
void AddUsage(model::Usage& sum, const model::Usage& more);

}  // namespace weir::client
