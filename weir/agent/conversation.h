#pragma once

// How an answer becomes a part of what was said.

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/model/engine.h"
#include "weir/model/message.h"
#include "weir/model/reply.h"

namespace weir::agent {

// The message of an answer, as it stands in the conversation of the next call. Without choices it
// is empty. Arguments of tools that are no JSON object are mended, also out of a string; what
// cannot be mended becomes {}. Those that are one stay as they are.
model::Message MessageOf(const model::Reply& reply);

// The same with arguments as the model wrote them, and what makes such a message fit to be sent.
model::Message RawMessageOf(const model::Reply& reply);
void MakeSendable(model::Message& message);

// One turn, gathered from its stream. `seen` is the answer as far as it came, also where what is
// given is an error: a verdict on it, or a break.
async::Task<Result<model::Reply>> GatherReply(async::Context ctx, model::Engine& engine,
                                              const model::Call& call, model::Reply& seen);

}  // namespace weir::agent
