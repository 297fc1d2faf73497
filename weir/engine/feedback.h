#pragma once

// How a call is asked again after an answer that was not accepted: with the reason, and never with
// the same bytes.

#include <optional>
#include <string_view>
#include <vector>

#include "weir/base/error.h"
#include "weir/model/call.h"
#include "weir/model/reply.h"

namespace weir::engine {

// Adds words to the system message, which is made if there is none.
void Instruct(std::vector<model::Message>& messages, std::string_view words);

// Tells the model itself what it is held to, where its server is not told.
void InstructAbout(std::vector<model::Message>& messages, const model::Constraint& constraint);

struct Asking {
  int attempt = 2;                         // of the asking that comes
  double longer_by = 2.0;                  // what an answer that was cut off gets more
  std::optional<std::int64_t> max_tokens;  // the engine's own limit, where the call has none
};

// The next call after `error`, which is about one choice of the reply to `call`. nullopt: asking
// again cannot help.
//
// Text that is no JSON gets the instruction to "Respond ONLY in JSON" once, in the system message;
// what breaks its constraint or a tool's schema is shown to the model with the reason; an answer
// that was cut off gets more tokens. A prompt without messages only gets another seed.
std::optional<model::Call> AskAgain(const model::Call& call, const model::Choice& answer,
                                    const Error& error, const Asking& asking);

}  // namespace weir::engine
