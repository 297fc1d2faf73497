#include "weir/agent/tools/tool.h"

#include <exception>
#include <utility>

#include "weir/base/text.h"

namespace weir::agent {
namespace {

class FunctionTool final : public Tool {
 public:
  FunctionTool(model::ToolSpec spec, bool mutates, ToolFunction function)
      : Tool(std::move(spec), mutates), function_(std::move(function)) {}

  async::Task<Result<std::string>> Run(async::Context /*ctx*/, ToolInput input) override {
    co_return Call(input.arguments);
  }

 private:
  // The function is not ours: what it throws is a failure of the tool, not of the agent.
  Result<std::string> Call(json::View arguments) const {
    try {
      return function_(arguments);
    } catch (const std::exception& thrown) {
      return Fail(Code::kInternal, StrCat("the tool ", name(), " failed: ", thrown.what()));
    } catch (...) {
      return Fail(Code::kInternal, StrCat("the tool ", name(), " failed"));
    }
  }

  const ToolFunction function_;
};

}  // namespace

std::unique_ptr<Tool> NewFunctionTool(model::ToolSpec spec, bool mutates, ToolFunction function) {
  return std::make_unique<FunctionTool>(std::move(spec), mutates, std::move(function));
}

}  // namespace weir::agent
