#pragma once

// The transport over a program's standard input and output: a line is a message. Lines on its
// output that are none are told as events and passed over: many servers greet before they speak.

#include <memory>
#include <string>
#include <vector>

#include "weir/agent/mcp/transport.h"
#include "weir/base/env.h"

namespace weir::agent::mcp {

struct StdioOptions {
  std::string name;  // of the server, for messages and events
  std::vector<std::string> argv;
  Env env;                           // all that the program gets
  std::vector<std::string> secrets;  // texts that no message may show
  std::string folder;
  std::size_t max_message_bytes = 16 << 20;
};

// Starts the program. Fails with kConfigError when there is none, kIoError when it does not start.
// `listener` and the trace of `ctx` outlive the transport. A transport that is destroyed without
// having been closed kills the program at once; its tasks end with the next turns of the loop.
Result<std::unique_ptr<Transport>> NewStdioTransport(const async::Context& ctx,
                                                     StdioOptions options, Listener& listener);

}  // namespace weir::agent::mcp
