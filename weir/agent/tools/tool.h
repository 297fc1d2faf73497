#pragma once

// Tool: something that a model may call. Programs (program_tool.h), what weir brings (builtins.h),
// tools of MCP servers (mcp/server.h) and C++ functions are tools.

#include <functional>
#include <memory>
#include <string>

#include "weir/async/context.h"
#include "weir/async/task.h"
#include "weir/base/env.h"
#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/model/message.h"

namespace weir::agent {

class Root;

// Where the tools of one agent work, and what they may know. It outlives every call.
struct Surroundings {
  const Root* root = nullptr;  // the folder that they may see; null: they see none
  std::string agent_id;        // "lint/3"
  json::Value inputs;  // an object that is laid under the arguments: `path`, `text`, ... (inputs.h)
  Env env;             // of programs: PATH, HOME, LANG, TMPDIR and what WEIR_TOOL_* names
  bool sandbox = false;
};

struct ToolInput {
  json::View arguments;  // obey the schema; good for as long as the call
  const Surroundings& around;
};

class Tool {
 public:
  explicit Tool(model::ToolSpec spec, bool mutates) : spec_(std::move(spec)), mutates_(mutates) {}
  virtual ~Tool() = default;

  const model::ToolSpec& spec() const { return spec_; }
  const std::string& name() const { return spec_.name; }
  // Whether it changes something that is there after it.
  bool mutates() const { return mutates_; }

  // The text is what the model is told. So is the message of an error: whatever goes wrong with a
  // tool is the model's to mend. Only a context that has ended is not told.
  virtual async::Task<Result<std::string>> Run(async::Context ctx, ToolInput input) = 0;

 private:
  const model::ToolSpec spec_;
  const bool mutates_;
};

// A tool of a plain function. It runs on the loop: it must not wait.
using ToolFunction = std::function<Result<std::string>(json::View arguments)>;
std::unique_ptr<Tool> NewFunctionTool(model::ToolSpec spec, bool mutates, ToolFunction function);

}  // namespace weir::agent
