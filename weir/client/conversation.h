#pragma once

// How an answer becomes a part of what was said.

#include "weir/model/message.h"
#include "weir/model/reply.h"

namespace weir::client {

// The message of an answer, as it stands in the conversation of the next call. Without choices it
// is empty.
model::Message MessageOf(const model::Reply& reply);

// A count that is unknown stays as it was.
void AddUsage(model::Usage& sum, const model::Usage& more);

}  // namespace weir::client
