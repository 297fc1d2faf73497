#pragma once

// Figures: what the work of an agent took. Sums of one row; a run adds them up.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weir/json/value.h"
#include "weir/json/writer.h"
#include "weir/model/reply.h"

namespace weir::agent {

struct Figures {
  std::int64_t turns = 0;
  std::int64_t tool_calls = 0;   // that were answered, whatever came of them
  std::int64_t tool_errors = 0;  // of these: unknown, wrong arguments, failed, took too long
  std::int64_t denied = 0;
  std::int64_t interrupted = 0;  // calls of mutating tools that a kill broke off
  std::int64_t nudges = 0;       // answers without a call
  std::int64_t compactions = 0;
  std::int64_t confidence_retries = 0;
  std::optional<std::int64_t> prompt_tokens;  // unset: no answer said
  std::optional<std::int64_t> completion_tokens;
  std::optional<std::int64_t> cached_tokens;
  std::optional<double> cost;
  bool tokens_unknown = false;      // some answers came without counts
  bool cost_unknown = false;        // some answers had no price
  std::vector<double> confidences;  // of the turns that have one

  // What an answer took.
  void Add(const model::Reply& reply);
  // ... and what a call did that failed: answers that were refused are paid for.
  void Add(const Error& failed);
  // Prompts and answers together, as far as they are known.
  std::int64_t total_tokens() const {
    return prompt_tokens.value_or(0) + completion_tokens.value_or(0);
  }
};

// One object; what is zero or unknown is left out.
void WriteFigures(json::Writer& out, const Figures& figures);
// What is missing or of a wrong kind stays zero.
Figures ReadFigures(json::View json);

}  // namespace weir::agent
