#pragma once

// Asks one call and shows its pieces as they come: what `call`, `complete` and `chat` have in
// common.

#include "weir/cli/reply_printer.h"
#include "weir/cli/work.h"
#include "weir/model/engine.h"

namespace weir::cli {

// How a call ended: a whole reply, or an error and what came before it.
struct Outcome {
  model::Reply reply;
  std::optional<Error> error;
};

// Whether the server is asked for a stream. One JSON document is, too, so that a clock that runs
// out or Ctrl-C leaves the part that came. Asked whole are: beams, the best of several and answers
// whose confidence counts, of which nothing can be shown before the end; and for one document
// tool calls and log-probabilities of the prompt, which a whole reply carries better.
bool AsksForStream(const CallRun& run);

// Runs the call with the limit `total` over all of it.
Outcome Ask(async::Loop& loop, Work& work, model::Engine& engine, const CallRun& run,
            ReplyPrinter& printer);

// What is to be known of an answer beside it: degradations and repairs.
void TellAbout(const Terminal& terminal, const CallRun& run, const model::ReplyInfo& info);

}  // namespace weir::cli
