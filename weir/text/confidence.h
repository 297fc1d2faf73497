#pragma once

// How sure a model was of what it wrote, by the log-probabilities of its tokens: of the whole
// answer, of each value in it, of the name and the arguments of each call of a tool.
//
// A token counts for a value if it wrote at least one byte of it. The bytes of a string are those
// between its quotation marks; those of an empty one are the marks. So of a token that reaches over
// the border of a value, what matters is whether something of the value is in it: `": "Pa` counts
// for "Paris", and `": "` does not. docs/confidence.md shows it.

#include <cstddef>
#include <optional>

#include "weir/model/confidence.h"
#include "weir/model/reply.h"

namespace weir::text {

struct ConfidenceOptions {
  // The answer was to be JSON: it is read as such also where it has to be mended, and where it is
  // one value. Otherwise only the text of a whole object or array has fields.
  bool structured = false;
  std::size_t echoed_tokens = 0;   // at the beginning: the prompt, which the model did not write
  std::size_t max_fields = 10000;  // of the answer, and of each call
};

// nullopt: no token has a log-probability. What cannot be found among the tokens has no confidence:
// a field is then left out, a name is unset. A log-probability at kLogprobFloor or below makes
// everything that the token counts for 0.
//
// The figures of the whole are those of text and calls; thoughts, the marks around calls and what
// ends the answer do not count, unless text or calls cannot be found: then everything behind the
// thoughts counts, or all. Linear in tokens and text.
std::optional<model::Confidence> ConfidenceOf(const model::Choice& choice,
                                              const ConfidenceOptions& options = {});

// The logarithm of the mean as above; minus infinity where a token has the probability 0. For
// ranking answers, of which the unlikely ones all have a mean close to 0.
std::optional<double> MeanLogprob(const model::Choice& choice,
                                  const ConfidenceOptions& options = {});

}  // namespace weir::text
