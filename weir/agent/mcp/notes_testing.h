#pragma once

// What the tests of MCP share: a sink that notes events as lines, and short ways to call.

#include <algorithm>
#include <string>
#include <vector>

#include "weir/agent/mcp/server.h"
#include "weir/base/text.h"
#include "weir/base/trace.h"
#include "weir/json/reader.h"

namespace weir::agent::mcp {

class Notes final : public TraceSink {
 public:
  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    std::string line(name);
    for (const TraceField& field : fields) {
      StrAppend(line, " ", field.key, "=");
      if (const auto* text = std::get_if<std::string_view>(&field.value)) line += *text;
      if (const auto* number = std::get_if<std::int64_t>(&field.value)) StrAppend(line, *number);
      if (const auto* number = std::get_if<double>(&field.value)) StrAppend(line, *number);
    }
    lines.push_back(std::move(line));
  }
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  // How many lines hold that text.
  std::ptrdiff_t Count(std::string_view text) const {
    return std::ranges::count_if(lines, [&](const auto& line) { return line.contains(text); });
  }

  std::vector<std::string> lines;
};

// The text of a call; "(error) ..." when the tool says that it failed, "(kind) ..." when the call
// did.
inline std::string Told(const Result<CallResult>& result) {
  if (!result) return StrCat("(", Name(result.error()), ") ", result.error().message);
  return result->is_error ? StrCat("(error) ", result->text) : result->text;
}

}  // namespace weir::agent::mcp
