#pragma once

// The complete decoder of a whole reply, by way of a JSON document. The short way in reply.cc
// handles plain replies and must agree with this one on them.

#include <string_view>

#include "weir/base/result.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::wire {

// See DecodeReply().
Result<model::Reply> DecodeReplyTree(model::Api api, std::string_view body);

}  // namespace weir::wire
