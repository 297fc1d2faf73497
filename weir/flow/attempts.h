#pragma once

// A line of attempts.jsonl.

#include <string>

#include "weir/flow/answers.h"

namespace weir::flow {

// What an answer took, and what was odd about it.
std::string AttemptLine(const AskedOnce& asked);

}  // namespace weir::flow
