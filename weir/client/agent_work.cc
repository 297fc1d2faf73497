#include "weir/client/agent_work.h"

#include <optional>
#include <utility>

#include "weir/agent/checkpoint.h"
#include "weir/agent/conversation.h"
#include "weir/agent/loop.h"
#include "weir/agent/toolbox.h"
#include "weir/agent/tools/program_tool.h"
#include "weir/agent/tools/root.h"
#include "weir/agent/tools/surroundings.h"
#include "weir/async/off_loop.h"

namespace weir::client {
namespace {

// One piece of work, which outlives its task.
struct Order {
  const Agent& agent;
  const WorkOptions& options;
  const Env& env;
  std::optional<agent::Root> root;
  std::unique_ptr<agent::Checkpoint> checkpoint;
  std::optional<WorkDone> done;
};

agent::ToolboxOptions BoxOptions(const WorkOptions& options, const Env& env) {
  agent::ToolboxOptions box;
  box.folder = options.folder;
  box.env = env;
  box.functions.reserve(options.tools.size());
  for (const Tool& tool : options.tools) {
    box.functions.push_back(agent::NewFunctionTool(tool.spec, true, tool.function));
  }
  return box;
}

async::Task<Result<model::Reply>> Carry(async::Context ctx, model::Engine& engine,
                                        const model::Call& call, Order& order) {
  const WorkOptions& options = order.options;
  agent::Surroundings around;
  around.agent_id = order.agent.name;
  around.env = agent::ToolEnv(order.env);
  around.sandbox = order.agent.sandbox;
  if (around.sandbox) {
    const auto check = [&order] { return agent::CheckSandbox(order.env); };
    WEIR_CO_CHECK(co_await async::OffLoop(ctx, check));
  }
  if (!options.folder.empty()) {
    WEIR_CO_TRY(agent::Root root, agent::Root::Open(options.folder));
    order.root.emplace(std::move(root));
    around.root = &*order.root;
  }
  if (!options.checkpoint.empty()) {
    WEIR_CO_TRY(order.checkpoint,
                agent::Checkpoint::Open(options.checkpoint,
                                        agent::BeginningOf(call.messages, options.seed)));
  }
  agent::ToolboxOptions box_options = BoxOptions(options, order.env);
  WEIR_CO_TRY(const std::unique_ptr<agent::Toolbox> toolbox,
              co_await agent::Toolbox::Open(ctx, order.agent, std::move(box_options)));
  const agent::Job job{.call = call,
                       .seed = options.seed,
                       .turn_timeout = options.call.timeout.value_or(Duration::zero()),
                       .around = &around,
                       .checkpoint = order.checkpoint.get(),
                       .on_answer = {}};
  agent::WorkResult result = co_await agent::Work(ctx, engine, order.agent, *toolbox, job);
  const async::Context calm(*ctx.loop);
  co_await toolbox->Close(calm);
  if (!result.submission) co_return Fail(result.submission.error());
  order.done = WorkDone{.result = *std::move(result.submission),
                        .messages = std::move(result.messages),
                        .figures = std::move(result.figures),
                        .repairs = std::move(result.repairs)};
  co_return model::Reply();
}

}  // namespace

Result<WorkDone> WorkOn(Core& core, const Agent& agent, Prompt task, const WorkOptions& options) {
  Order order{.agent = agent,
              .options = options,
              .env = core.env(),
              .root = {},
              .checkpoint = {},
              .done = {}};
  // The clock of a call is that of a turn; the whole work has its own.
  CallOptions whole = options.call;
  whole.timeout = Duration::zero();
  const Result<model::Reply> ended =
      core.Wait(std::move(task), whole,
                [&order](async::Context ctx, model::Engine& engine, const model::Call& call) {
                  return Carry(ctx, engine, call, order);
                });
  if (!ended) return Fail(ended.error());
  return *std::move(order.done);
}

}  // namespace weir::client
