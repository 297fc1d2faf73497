#pragma once

// The tokens of a Python text.

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/yaml.h"

namespace weir::config {

enum class PythonKind : std::uint8_t { kName, kNumber, kText, kComputedText, kSign, kEnd };

struct PythonToken {
  PythonKind kind = PythonKind::kEnd;
  std::string text;  // of a text: what it means
  json::Mark mark;
  bool starts_line = false;  // of a statement: not inside brackets

  bool Is(std::string_view sign) const { return kind == PythonKind::kSign && text == sign; }
  bool IsName(std::string_view name) const { return kind == PythonKind::kName && text == name; }
};

// Ends with a token of kind kEnd.
Result<std::vector<PythonToken>> PythonTokens(std::string_view text, std::string_view file);

}  // namespace weir::config
