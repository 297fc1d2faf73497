#pragma once

// One call of a built-in tool, and the functions behind them; builtins.cc has the table.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/agent/tools/root.h"
#include "weir/async/context.h"
#include "weir/json/value.h"

namespace weir::agent {

inline constexpr std::size_t kMostFileBytes = 16 << 20;  // of one file that a tool reads or edits

// All that it refers to outlives it.
struct BuiltinCall {
  const Root& root;
  json::View schema;     // of the arguments: of what it speaks is the model's to give, or not
  json::View arguments;  // of the model
  json::View fixed;      // of the definition, under them
  json::View row;        // of the row, for what a tool cannot do without and `schema` leaves out
  std::size_t max_output = 64 << 10;

  // An argument that may be left out; an empty one is left out, too.
  std::optional<std::string_view> Text(std::string_view name) const;
  std::optional<std::int64_t> Number(std::string_view name) const;
  bool Flag(std::string_view name) const;
  // One that may not. Fails with kInvalidRequest, which names it.
  Result<std::string_view> Need(std::string_view name) const;
};

Result<std::string> ReadFileTool(const BuiltinCall& call);
Result<std::string> WriteFileTool(const BuiltinCall& call);
Result<std::string> EditFileTool(const BuiltinCall& call);
Result<std::string> ListFilesTool(const BuiltinCall& call);
// Other work of the loop has its turn between files.
async::Task<Result<std::string>> SearchTextTool(async::Context ctx, BuiltinCall call);

// Whether a path that was listed below `folder` has the form of `glob`: a pattern without a slash
// means names in any folder, one with a slash counts from `folder` or from the top.
bool MatchesGlob(std::string_view glob, std::string_view path, std::string_view folder);

// How many lines a text has; what stands behind the last end of a line is one, too.
std::size_t LinesIn(std::string_view text);

// A text that has a NUL in its first 8,000 bytes is no text to tools.
bool LooksBinary(std::string_view text);

// Appends `line` and a newline to `out` unless that is longer than `max_bytes` then.
bool AppendLine(std::string& out, std::string_view line, std::size_t max_bytes);

}  // namespace weir::agent
