#pragma once

// The fields of Sampling that are one number or one switch: their names in requests and in files,
// what they are for, and which values may stand in a file.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "weir/model/sampling.h"

namespace weir::model {

struct SamplingField {
  std::string_view name;
  std::variant<std::optional<std::int64_t> Sampling::*, std::optional<double> Sampling::*,
               std::optional<bool> Sampling::*>
      field;
  std::string_view about;  // one sentence or less, without a full stop
  std::optional<double> least = std::nullopt;
  std::optional<double> most = std::nullopt;
  bool above = false;  // `least` itself is out
};

std::span<const SamplingField> SamplingFields();

// What Validate() refuses, of the fields that a request has under these names in an object of
// further fields. Those of other kinds are the server's to judge.
Result<void> ValidateFields(json::View fields);

// Of what OpenAI's API takes, -100 to 100; vLLM cuts the rest off in silence.
Result<void> ValidateBias(const std::map<std::string, double>& bias);

}  // namespace weir::model
