#pragma once

// What the tests of servers share: one that is opened, called and closed on the loop of the test.

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "weir/agent/mcp/server.h"
#include "weir/base/text.h"
#include "weir/base/trace_testing.h"

namespace weir::agent::mcp {

// The text of a call; "(error) ..." when the tool says that it failed, "(kind) ..." when the call
// did.
inline std::string Told(const Result<CallResult>& result) {
  if (!result) return StrCat("(", Name(result.error()), ") ", result.error().message);
  return result->is_error ? StrCat("(error) ", result->text) : result->text;
}

class ServerTest : public testing::Test {
 protected:
  ServerTest() { ctx_.trace = &notes_; }

  virtual ServerOptions Options() { return {}; }

  Result<void> Open() {
    Result<std::unique_ptr<Server>> server = loop_.Run(Server::Open(ctx_, definition_, Options()));
    if (!server) return Fail(server.error());
    server_ = *std::move(server);
    return {};
  }
  void MustOpen() {
    const Result<void> opened = Open();
    ASSERT_TRUE(opened.has_value()) << Describe(opened.error());
  }
  void Close() {
    if (server_ != nullptr) loop_.Run(server_->Close(ctx_));
    server_.reset();
  }
  // `arguments` are JSON.
  std::string CallWith(const async::Context& ctx, std::string tool, std::string_view arguments,
                       Server::OnProgress on_progress) {
    json::Value value = json::Read(arguments).value();
    return Told(
        loop_.Run(server_->Call(ctx, std::move(tool), std::move(value), std::move(on_progress))));
  }

  async::Loop loop_;
  async::Context ctx_ = async::Context(loop_).WithTimeout(std::chrono::seconds(60));
  HeardEvents notes_;
  McpServer definition_;
  std::unique_ptr<Server> server_;
};

}  // namespace weir::agent::mcp
