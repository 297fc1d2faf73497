#pragma once

// What those get who ask for a text alone, and could not see that it is none, or half of one.

#include <string>

#include "weir/base/result.h"
#include "weir/model/reply.h"

namespace weir::client {

// Fails with kContentFilter for a refusal, and for what a filter ended.
Result<void> CheckText(const model::Reply& reply);

// The text of the first choice, or what CheckText() says of it.
Result<std::string> TextOf(Result<model::Reply> reply);

}  // namespace weir::client
