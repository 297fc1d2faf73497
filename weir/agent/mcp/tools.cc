#include <algorithm>

#include "weir/agent/mcp/server.h"
#include "weir/base/text.h"

namespace weir::agent::mcp {
namespace {

class ServerTool final : public Tool {
 public:
  ServerTool(Server& server, const McpServer& definition, const ToolInfo& info)
      : Tool({.name = StrCat(definition.prefix, info.name),
              .description = info.description,
              .parameters = info.schema},
             !info.read_only),
        server_(server),
        server_name_(definition.name),
        its_name_(info.name) {}

  async::Task<Result<std::string>> Run(async::Context ctx, ToolInput input) override {
    json::Value arguments = json::Value::CopyOf(input.arguments);
    Server::OnProgress on_progress = [this, ctx](double progress, double total,
                                                 std::string_view message) {
      ctx.Emit("mcp.progress", {{"server", std::string_view(server_name_)},
                                {"tool", std::string_view(its_name_)},
                                {"progress", progress},
                                {"total", total},
                                {"message", message}});
    };
    WEIR_CO_TRY(CallResult result, co_await server_.Call(ctx, its_name_, std::move(arguments),
                                                         std::move(on_progress)));
    if (!result.is_error) co_return std::move(result.text);
    if (result.text.empty()) result.text = "the tool failed, and does not say why";
    co_return Fail(Code::kInvalidRequest, std::move(result.text));
  }

 private:
  Server& server_;
  const std::string server_name_;
  const std::string its_name_;  // without the prefix
};

}  // namespace

std::vector<std::unique_ptr<Tool>> ToolsOf(Server& server, const McpServer& definition) {
  std::vector<std::unique_ptr<Tool>> tools;
  tools.reserve(server.tools().size());
  for (const ToolInfo& info : server.tools()) {
    const auto& only = definition.only;
    if (only.empty() || std::ranges::find(only, info.name) != only.end()) {
      tools.push_back(std::make_unique<ServerTool>(server, definition, info));
    }
  }
  return tools;
}

}  // namespace weir::agent::mcp
