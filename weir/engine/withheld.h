#pragma once

// Answers that were not given: the model refused, or the server filtered them or gave them up.

#include <string_view>

#include "weir/base/error.h"
#include "weir/model/reply.h"

namespace weir::engine {

// Whether the model refused, in the field that servers have for it; some words of an answer may
// stand before that.
bool IsRefusal(const model::Choice& choice);

// Both are kContentFilter.
Error RefusedAnswer(const model::Choice& choice);   // with the words of the refusal
Error FilteredAnswer(const model::Choice& choice);  // of finish reason `content_filter`
// Of finish reason `abort`: kStreamTruncated.
Error AbortedAnswer(std::string_view server = "the server");

}  // namespace weir::engine
