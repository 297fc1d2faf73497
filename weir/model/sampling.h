#pragma once

// How the model is asked to write: sampling, constraint, reasoning, budget. Plain values; an unset
// field is not sent, so that the server's own default holds.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::model {

inline constexpr std::int64_t kNoSeed = -1;  // as vLLM has it

struct Sampling {
  std::optional<std::int64_t> max_tokens;    // most tokens to write, at least 1
  bool max_completion_tokens = false;        // a server read it under that name: errors say so
  std::optional<std::int64_t> min_tokens;    // no end before that many
  std::optional<double> temperature;         // 0..2; 0 is greedy
  std::optional<double> top_p;               // (0, 1]
  std::optional<std::int64_t> top_k;         // 0 or -1: off
  std::optional<double> min_p;               // [0, 1]
  std::optional<double> frequency_penalty;   // [-2, 2]
  std::optional<double> presence_penalty;    // [-2, 2]
  std::optional<double> repetition_penalty;  // above 0
  std::optional<double> length_penalty;      // beam search only
  std::optional<std::int64_t> seed;          // or kNoSeed
  std::optional<std::int64_t> n;             // candidates to return
  std::optional<std::int64_t> best_of;       // candidates to write, the best of which is returned
  std::optional<std::int64_t> beam_width;    // beam search with this many beams
  std::vector<std::string> stop;             // texts that end the answer
  std::vector<std::int64_t> stop_token_ids;
  std::vector<std::string> bad_words;
  std::vector<std::int64_t> allowed_token_ids;
  std::map<std::string, double> logit_bias;  // token id as text -> [-100, 100]
  std::optional<bool> include_stop_in_output;
  std::optional<bool> ignore_eos;
  std::optional<bool> skip_special_tokens;
  std::optional<bool> spaces_between_special_tokens;
  std::optional<std::int64_t>
      truncate_prompt_tokens;                  // keep that many prompt tokens; -1: what fits
  std::optional<std::string> truncation_side;  // "left" or "right"
  std::optional<std::int64_t> logprobs;  // top alternatives per token; 0: the token's own only
  std::optional<std::int64_t> prompt_logprobs;  // the same for the prompt; disables prefix reuse
  std::optional<bool> return_token_ids;
  std::optional<bool> return_tokens_as_token_ids;
  json::Value
      repetition_detection;  // vLLM's object {max_pattern_size, min_pattern_size, min_count}

  // Refuses what every server refuses, naming the field and its range.
  Result<void> Validate() const;
};

// What the answer must look like. Exactly one kind; the dialect decides the spelling on the wire.
struct Constraint {
  enum class Kind : std::uint8_t {
    kJsonSchema,
    kJsonObject,
    kRegex,
    kChoice,
    kGrammar,
    kStructuralTag
  };

  Kind kind = Kind::kJsonSchema;
  json::Value schema;                // kJsonSchema; kStructuralTag in its object form
  std::string text;                  // kRegex, kGrammar; kStructuralTag in its text form
  std::vector<std::string> choices;  // kChoice
  std::string name = "answer";       // kJsonSchema: the name OpenAI's format wants
  std::optional<bool> strict;        // kJsonSchema: OpenAI's strict mode
};

std::string_view ConstraintName(Constraint::Kind kind);

struct Reasoning {
  std::optional<std::string> effort;            // none, minimal, low, medium, high, xhigh, max
  std::optional<bool> include;                  // false: the server keeps the thoughts to itself
  std::optional<std::int64_t> thinking_budget;  // tokens; -1: unlimited
  std::optional<bool> enable;                   // template switch of families that have one
};

struct Budget {
  std::optional<std::int64_t> context_window;    // prompt + answer must fit; refused here otherwise
  std::optional<std::int64_t> max_total_tokens;  // prompt and answer together, of one call
};

// The four clocks of a call. Zero switches one off. An error names the clock that ran out.
struct Timeouts {
  Duration connect = std::chrono::seconds(10);  // name lookup, TCP, proxy and TLS together
  Duration first_token =
      std::chrono::seconds(300);               // request sent until the first token (or reply)
  Duration idle = std::chrono::seconds(60);    // between two events of a stream
  Duration total = std::chrono::seconds(600);  // everything, all attempts and waits included
};

}  // namespace weir::model
