#pragma once

// Confidence: what the log-probabilities of an answer say of it. A confidence is the geometric mean
// of the probabilities of the tokens it is about, 0 to 1.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::model {

// When an answer is sure enough. Whatever is set asks the server for log-probabilities.
struct ConfidenceRule {
  bool report = false;                // fill Choice::confidence
  std::optional<double> threshold;    // below it the call is asked again with other sampling
  int max_retries = 1;                // ... that many times; the surest answer is kept
  std::optional<double> temperature;  // of a repeat; unset: 0.3 above the first, at most 1

  bool wanted() const { return report || threshold.has_value(); }
};

struct FieldConfidence {
  std::string at;  // JSON pointer of a leaf in the answer, or in the arguments of a call
  double confidence = 0;
};

struct ToolConfidence {
  std::string name;
  std::optional<double> of_name;  // unset: the server sent no tokens for it
  std::vector<FieldConfidence> arguments;
};

struct Confidence {
  double mean = 0;    // of the whole answer, thoughts and marks left out where they can be told
  double p10 = 0;     // nine of ten tokens are surer
  double lowest = 0;  // the least sure token
  std::int64_t tokens = 0;              // that these were taken from
  std::vector<FieldConfidence> fields;  // of a structured answer, in its order
  std::vector<ToolConfidence> tools;
};

}  // namespace weir::model
