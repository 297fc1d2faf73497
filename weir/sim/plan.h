#pragma once

// Plan: everything that one request will get, decided before the first token leaves. Both doors
// play it; neither decides anything.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/clock.h"
#include "weir/model/reply.h"

namespace weir::sim {

// A prompt of a completions request: a text, or its tokens. Empty for chat.
struct Prompt {
  std::string_view text;
  std::span<const std::int64_t> ids;
};

// One tool call: its arguments are the text of the choice from `begin` to the next call's.
struct PlannedCall {
  std::size_t begin = 0;
  std::string id;
  std::string name;
};

struct PlannedChoice {
  std::string text;                 // all that was written, a stop text included
  std::vector<std::uint32_t> ends;  // where each token ends in it; the end token adds nothing
  std::size_t visible = 0;          // bytes of the text that the client gets
  bool ended = false;               // the last token is the end token
  std::string echo;                 // the prompt, when the answer repeats it
  std::vector<PlannedCall> calls;   // not empty: the text is the arguments of these
  std::uint64_t seed = 0;           // draws the log-probabilities
  model::Finish finish = model::Finish::kStop;
  std::string finish_text;  // set for a scripted word
  json::Value stop_reason;
};

struct Plan {
  std::vector<PlannedChoice> choices;  // choice i has index i
  // When step i, which brings one token of every choice, is due, counted from when the request was
  // let in. Empty: at once.
  std::vector<Duration> due;
  model::Usage usage;
  std::string model;                     // as the reply names it
  std::optional<std::int64_t> logprobs;  // alternatives to show per token
  std::size_t hold_back = 0;             // characters withheld: a stop text may begin in them
  bool chat = true;
  bool greedy = false;  // the likeliest token is always the one written
  bool return_token_ids = false;
  bool continuous_usage = false;  // every delta tells the counts so far
  // The connection breaks, or nothing more comes, before this step; at most steps().
  std::optional<std::size_t> drop_after;
  std::optional<std::size_t> stall_after;

  std::size_t steps() const {
    std::size_t steps = 0;
    for (const PlannedChoice& choice : choices) steps = std::max(steps, choice.ends.size());
    return steps;
  }
};

}  // namespace weir::sim
