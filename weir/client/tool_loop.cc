#include "weir/client/tool_loop.h"

#include "weir/agent/conversation.h"
#include "weir/base/text.h"
#include "weir/client/tool_runner.h"

namespace weir::client {
namespace {

bool CallsTools(const model::Reply& reply) {
  return !reply.choices.empty() && !reply.choices.front().tool_calls.empty();
}

// Whether the error is about calls that are there as a whole.
bool IsAboutCalls(const Error& error, const model::Reply& reply) {
  return CallsTools(reply) &&
         (error.code == Code::kInvalidJson || error.code == Code::kSchemaMismatch ||
          error.code == Code::kConstraintViolated);
}

class ToolLoop {
 public:
  ToolLoop(Core& core, const ToolRunner& runner, const RunOptions& options)
      : core_(core), runner_(runner), options_(options) {}

  Result<ToolRun> Run(model::Call call) {
    call.tools = runner_.specs();
    // A constrained answer is then mended before it is handed over.
    call.buffer = call.constraint || options_.call.constraint;
    while (run_.turns < options_.max_turns) {
      WEIR_CHECK(Ask(call));
      call.messages.push_back(agent::MessageOf(run_.reply));
      if (!CallsTools(run_.reply)) {
        run_.messages = std::move(call.messages);
        return std::move(run_);
      }
      for (const model::ToolCall& wanted : run_.reply.choices.front().tool_calls) {
        if (run_.calls == options_.max_calls) return Fail(Exceeded());
        call.messages.push_back(Answer(wanted));
      }
      // A tool that must be called has been: left so, there would be no end.
      if (call.tool_choice.kind != model::ToolChoice::Kind::kNone) call.tool_choice = {};
    }
    return Fail(Exceeded());
  }

 private:
  Result<void> Ask(const model::Call& call) {
    ++run_.turns;
    model::Reply seen;
    const Result<model::Reply> reply =
        core_.Wait(call, options_.call,
                   [&seen](async::Context ctx, model::Engine& engine, const model::Call& asked) {
                     return agent::GatherReply(ctx, engine, asked, seen);
                   });
    if (!reply && !IsAboutCalls(reply.error(), seen)) return Fail(reply.error());
    run_.reply = std::move(seen);
    model::AddUsage(run_.usage, run_.reply.usage);
    return {};
  }

  model::Message Answer(const model::ToolCall& wanted) {
    ++run_.calls;
    Result<std::string> result = runner_.Run(wanted);
    if (options_.on_tool) options_.on_tool(wanted, result);
    std::string text = result ? *std::move(result) : StrCat("error: ", result.error().message);
    if (text.size() > options_.max_result_bytes) text = Truncate(text, options_.max_result_bytes);
    model::Message message = model::Message::Text(model::Role::kTool, std::move(text));
    message.tool_call_id = wanted.id;
    message.name = wanted.name;
    return message;
  }

  Error Exceeded() const {
    const std::string tokens =
        run_.usage.total_tokens ? StrCat(", ", *run_.usage.total_tokens, " tokens") : "";
    return {
        .code = Code::kBudgetExceeded,
        .message = StrCat("the model still called tools after ", run_.turns, " turns (", run_.calls,
                          " calls", tokens, "); raise RunOptions::max_turns (", options_.max_turns,
                          ") or max_calls (", options_.max_calls, "), or tell it when to stop")};
  }

  Core& core_;
  const ToolRunner& runner_;
  const RunOptions& options_;
  ToolRun run_;
};

}  // namespace

Result<ToolRun> RunTools(Core& core, Prompt prompt, const ToolBox& tools,
                         const RunOptions& options) {
  if (options.max_turns < 1) {
    return Fail(Code::kInvalidRequest, "RunOptions::max_turns must be at least 1");
  }
  WEIR_TRY(const ToolRunner runner, ToolRunner::Make(tools));
  return ToolLoop(core, runner, options).Run(std::move(prompt.call));
}

}  // namespace weir::client
