#pragma once

// A conversation that has become too long is summed up by the model itself.

#include <string>

#include "weir/async/context.h"
#include "weir/model/engine.h"

namespace weir::agent {

struct CompactOptions {
  std::size_t max_result_chars = 600;  // of each message, in what the model is given to sum up
  std::size_t max_transcript_chars = 24'000;
  std::int64_t max_tokens = 800;          // of the summary
  std::size_t max_excerpt_chars = 6'000;  // of what stands in place of a summary that is empty
};

struct Summary {
  Result<model::Reply> reply;  // kEmptyModelResponse where the model gave none
  std::string text;
  bool excerpt = false;  // the model has summed up nothing: it is the end of what was said
};

// Asks for a summary of the messages behind the first `head` ones. Fails with kTruncated when there
// are none, and as the engine does.
async::Task<Result<Summary>> SumUp(async::Context ctx, model::Engine& engine,
                                   const model::Call& call, std::size_t head,
                                   CompactOptions options);

// The message that stands instead.
model::Message SummaryMessage(const Summary& summary);

}  // namespace weir::agent
