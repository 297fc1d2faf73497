#pragma once

// Messages as JSON, in our words: what checkpoints, transcripts and saved chats keep of a
// conversation.

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/json/writer.h"
#include "weir/model/message.h"

namespace weir::agent {

// {"role", "content", "reasoning", "tool_calls": [{"id","name","arguments"}], "tool_call_id",
// "name"}; `content` is a text, or a list of parts where there is more than text.
void WriteMessage(json::Writer& out, const model::Message& message);
// The members of that object, for one that has more.
void WriteMessageMembers(json::Writer& out, const model::Message& message);

// Fails with kInvalidJson for what WriteMessage() does not write.
Result<model::Message> ReadMessage(json::View json);

}  // namespace weir::agent
