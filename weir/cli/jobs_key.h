#pragma once

// By what a job is known as the same one.

#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::cli {

struct KeyRule {
  std::string digest;  // of the flow
  std::string engine;
  std::string model;
  std::string field;  // of the row, which alone is the key then; empty: all of the above
  std::string salt;   // makes other keys of the same rows; empty: none
};

// The order of a row's members makes no difference. Fails with kInvalidRequest when the field is
// not there, or is neither a text nor a number.
Result<std::string> JobKey(const KeyRule& rule, json::View row);

}  // namespace weir::cli
