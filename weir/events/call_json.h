#pragma once

// Calls and replies as JSON, for events and for people. Not a server's form: only what was asked
// for and what came, in our words. Secrets are redacted by whoever writes the text down.

#include <cstddef>

#include "weir/json/writer.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::events {

// Messages with role and text, or the prompt; the sampling fields that are set, the kind of the
// constraint, the names of the tools. Texts are cut at `max_chars`, as truncate.h says.
void WriteCall(json::Writer& out, const model::Call& call, std::size_t max_chars);

// The choices and the usage.
void WriteReply(json::Writer& out, const model::Reply& reply, std::size_t max_chars);

// {"mean","p10","lowest","tokens","fields","tools"}, as docs/confidence.md explains them.
void WriteConfidence(json::Writer& out, const model::Confidence& confidence);

// {"input_tokens","output_tokens","cache_read_tokens","reasoning_tokens"}; unknown ones are absent.
void WriteUsage(json::Writer& out, const model::Usage& usage);

}  // namespace weir::events
