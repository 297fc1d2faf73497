#pragma once

// mcp::Server: one connection to a server of the Model Context Protocol, over the stdio of a
// program or over streamable HTTP. Many calls may be under way at once. A server that ends is
// started again at the next call, at most kMostRestarts times; calls that were under way fail.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/agent/tools/tool.h"
#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/base/env.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::agent::mcp {

inline constexpr int kMostRestarts = 3;

struct ToolInfo {
  std::string name;  // the server's
  std::string description;
  json::Value schema;      // of the arguments
  bool read_only = false;  // readOnlyHint of its annotations
};

struct ServerOptions {
  std::string folder;  // where a program runs
  Env env;  // PATH, HOME, LANG, TMPDIR of it are passed on; beside them the definition's. What
            // `headers` and `env` name as ${NAME} is looked up in it
  std::size_t max_message_bytes = 16 << 20;
  std::size_t max_tools = 1000;
};

struct CallResult {
  std::string text;  // texts of the content; other content in words: "[image image/png, 3 KB]"
  json::Value structured;  // structuredContent; null: none
  bool is_error = false;   // the tool says so itself
};

class Server {
 public:
  // Starts or connects, shakes hands (initialize, notifications/initialized) and lists the tools,
  // page by page. Fails with kConfigError (no such program, a variable that is not set), kTimeout,
  // kConnectionError, kProtocolError, kHttpStatus; the message names the server and holds the end
  // of its stderr. The trace of `ctx` outlives the server.
  static async::Task<Result<std::unique_ptr<Server>>> Open(async::Context ctx,
                                                           const McpServer& definition,
                                                           ServerOptions options);
  // Kills at once what was not closed; its last coroutines end with the next turns of the loop. No
  // call may be under way.
  virtual ~Server() = default;

  // Those that it listed last. Good until the next Call(), which lists them again when the server
  // has said that they have changed.
  virtual const std::vector<ToolInfo>& tools() const = 0;

  // Gets progress of a call: how much of how much (0: not known), in words.
  using OnProgress = std::function<void(double progress, double total, std::string_view message)>;

  // tools/call. When the context ends, notifications/cancelled is sent. Fails as Open(), and with
  // kInvalidRequest for what the server refuses (JSON-RPC errors); the message holds its words.
  // More than 1024 at once are refused with kBudgetExceeded.
  virtual async::Task<Result<CallResult>> Call(async::Context ctx, std::string tool,
                                               json::Value arguments, OnProgress on_progress) = 0;

  // Ends it: its input is closed, then SIGTERM, then SIGKILL; over HTTP the session is deleted.
  virtual async::Task<void> Close(async::Context ctx) = 0;
};

// The tools of a server that the definition offers, as tools of an agent. `server` outlives them.
std::vector<std::unique_ptr<Tool>> ToolsOf(Server& server, const McpServer& definition);

}  // namespace weir::agent::mcp
