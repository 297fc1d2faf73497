#pragma once

// The complete decoder of one chunk, by way of a JSON document. The short way in chunk.cc handles
// plain content chunks and must agree with this one on them.

#include <string_view>

#include "weir/base/result.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::wire {

// Fills `out`, which is fresh, and what the chunk says about the reply into `info`. Error events
// are errors.
Result<void> DecodeChunkTree(model::Api api, std::string_view data, model::Delta& out,
                             model::ReplyInfo& info);

}  // namespace weir::wire
