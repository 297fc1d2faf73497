#pragma once

// What servers answer, as values: pages of tools, and the content of results.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/mcp/server.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::agent::mcp {

struct ToolPage {
  std::vector<ToolInfo> tools;
  std::vector<std::string> left_out;  // tools that only run as tasks of later revisions
  std::optional<std::string> next_cursor;
};

// The result of tools/list. Fails with kProtocolError; so does the next.
Result<ToolPage> ReadToolPage(const json::Value& result);

// The result of tools/call.
Result<CallResult> ReadCallResult(const json::Value& result);

}  // namespace weir::agent::mcp
