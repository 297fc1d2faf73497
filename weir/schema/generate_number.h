#pragma once

// Numbers between exact bounds.

#include <optional>
#include <string>
#include <vector>

#include "weir/base/random.h"
#include "weir/schema/compiled.h"

namespace weir::schema {

struct NumberLimit {
  json::Bound bound;
  bool exclusive = false;
};

// All of these hold at once.
struct NumberDemand {
  std::vector<NumberLimit> lower;
  std::vector<NumberLimit> upper;
  std::vector<json::Bound> multiples;
};

// The text of a number; mostly a short one, or where `wide` is true, one that was hardly there
// before. `types` has one of kInteger and kFraction, or both. Nullopt when there is none, or none
// that is found.
std::optional<std::string> SampleNumber(const NumberDemand& demand, TypeMask types, bool wide,
                                        Random& random);

// "at least 3, below 4 and a multiple of 7", for messages.
std::string Describe(const NumberDemand& demand);

}  // namespace weir::schema
