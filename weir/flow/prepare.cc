#include "weir/flow/prepare.h"

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/engine/prefix.h"
#include "weir/flow/call.h"
#include "weir/flow/traveller.h"
#include "weir/model/model_names.h"

namespace weir::flow {
namespace {

void Collect(const Graph& graph, const GraphNode& node, const RunOptions& options,
             std::vector<Askers>& askers) {
  if (const Step* step = node.step()) {
    const std::string name = EngineOf(graph.flow(), *step, options);
    auto found = std::ranges::find(askers, name, &Askers::engine);
    if (found == askers.end())
      found = askers.insert(askers.end(), {name, !options.engine.empty(), {}});
    found->steps.push_back(&node);
  }
  for (const Way& way : node.ways) {
    for (const GraphNode& inner : way.nodes) Collect(graph, inner, options, askers);
  }
}

bool Lists(const model::EngineInfo& info, const std::string& id) {
  return std::ranges::find(info.models, id, &model::ModelEntry::id) != info.models.end();
}

// In the words of its configuration, where it has no address.
const std::string& WhereOf(const model::EngineInfo& info) {
  return info.base_url.empty() ? info.name : info.base_url;
}

std::string NamesOf(const model::EngineInfo& info) {
  constexpr std::size_t kMost = 8;
  std::string names;
  for (std::size_t i = 0; i < std::min(kMost, info.models.size()); ++i) {
    StrAppend(names, i == 0 ? "" : ", ", info.models[i].id);
  }
  if (info.models.size() > kMost) StrAppend(names, " and ", info.models.size() - kMost, " more");
  return names;
}

// What the calls of a step name: a model belongs to its engine, and rows of a batch name their own.
std::string ModelOf(const Askers& askers, const Step& step, const model::EngineInfo& info) {
  if (step.batch && step.model.empty()) return {};
  return askers.replaced || step.model.empty() ? info.model : step.model;
}

Error MissingModel(const GraphNode& node, const std::string& model, const model::EngineInfo& info) {
  return {.code = Code::kConfigError,
          .message = StrCat("step ", node.node->id, " asks for the model ", model, ", which ",
                            WhereOf(info), " does not have; it has ", NamesOf(info))};
}

void TellOf(const async::Context& ctx, const Askers& askers, const GraphNode& node,
            std::string_view message, std::string_view adapter = {}) {
  const TraceField engine{"engine", std::string_view(askers.engine)};
  const TraceField place{"node", std::string_view(node.node->id)};
  if (adapter.empty()) return ctx.Emit("preflight", {engine, place, {"message", message}});
  ctx.Emit("preflight", {engine, place, {"adapter", adapter}, {"message", message}});
}

// What a run was begun with is what it goes on with. A server may give other weights by the same
// name, or the same ones from another folder: only a person can tell.
Result<void> Compare(const async::Context& ctx, const Askers& askers, const GraphNode& node,
                     const model::EngineInfo& info, const std::string& model, NodeStats& stats) {
  const auto entry = std::ranges::find(info.models, model, &model::ModelEntry::id);
  const std::string weights = entry == info.models.end() ? "" : entry->root;
  if (!stats.model.empty() && stats.model != model) {
    return Fail(Code::kConfigError,
                StrCat("step ", node.node->id, " began with the model ", stats.model, ", and ",
                       WhereOf(info), " has ", model,
                       " for it now; bring that one back, or start a new run with another -o"));
  }
  if (!stats.weights.empty() && !weights.empty() && stats.weights != weights) {
    TellOf(ctx, askers, node,
           StrCat("step ", node.node->id, " goes on with the model ", model, " from ", weights,
                  ", and the run was begun with that from ", stats.weights));
  }
  stats.model = model;
  if (!weights.empty()) stats.weights = weights;
  return {};
}

// nullopt: it has no list, and may answer all the same.
async::Task<Result<std::optional<model::EngineInfo>>> Look(async::Context ctx,
                                                           model::Engine& engine,
                                                           const Askers& askers) {
  Result<model::EngineInfo> info = co_await engine.Describe(ctx);
  if (info) co_return std::optional(*std::move(info));
  Error error = info.error();
  const ErrorClass error_class = ClassOf(error);
  if (error_class == ErrorClass::kNotFound || error_class == ErrorClass::kInvalidRequest) {
    co_return std::nullopt;
  }
  const std::string name = askers.engine.empty() ? "the engine" : "engine " + askers.engine;
  error.message = StrCat(name, " cannot be used, and nothing was sent to it: ", error.message);
  co_return std::unexpected<Error>(std::move(error));
}

// A system prompt that is the same for every row.
bool IsShared(const GraphNode& node) {
  if (!node.system) return node.step()->output.schema.has_value();
  return std::ranges::all_of(node.system->reads(), [](const text::VariableRead& read) {
    return read.path == "vars" || read.path.starts_with("vars.") || read.path.starts_with("vars[");
  });
}

}  // namespace

std::string ServedBy(const model::EngineInfo& info) {
  if (!info.model.empty()) return info.model;
  if (info.kind != "vllm" && info.kind != "sim") return {};
  const auto base = std::ranges::find_if(
      info.models, [](const model::ModelEntry& entry) { return entry.parent.empty(); });
  return base == info.models.end() ? "" : base->id;
}

std::vector<Askers> AskersOf(const Graph& graph, std::size_t from, std::size_t to,
                             const RunOptions& options) {
  std::vector<Askers> askers;
  for (std::size_t i = from; i < to; ++i) Collect(graph, graph.nodes()[i], options, askers);
  return askers;
}

async::Task<Result<void>> Preflight(async::Context ctx, model::Engine& engine, const Askers& askers,
                                    RunStats& stats) {
  std::optional<model::EngineInfo> info;
  WEIR_CO_TRY(info, co_await Look(ctx, engine, askers));
  if (!info) co_return Result<void>();
  for (const GraphNode* node : askers.steps) {
    if (info->dialect.empty()) break;
    stats.nodes[node->index].dialect = info->dialect;
    stats.nodes[node->index].server_version = info->version;
  }
  if (info->models.empty()) co_return Result<void>();
  for (const GraphNode* node : askers.steps) {
    const Step& step = *node->step();
    const std::string model = ModelOf(askers, step, *info);
    // Rows of a batch name their own.
    const std::string served = !model.empty() ? model : step.batch ? "" : ServedBy(*info);
    if (!served.empty()) {
      NodeStats& known = stats.nodes[node->index];
      const Result<void> same = Compare(ctx, askers, *node, *info, served, known);
      if (!same) co_return same;
    }
    if (model::Lacks(*info, model)) {
      Error error = MissingModel(*node, model, *info);
      const bool step_names_it = !askers.replaced && !step.model.empty();
      if (step_names_it) co_return std::unexpected<Error>(std::move(error));
      // The engine's own may be one that the server finds when it is asked for it.
      stats.nodes[node->index].model_unlisted = true;
      TellOf(ctx, askers, *node, error.message);
    }
    if (step.adapter.empty() || Lists(*info, step.adapter)) continue;
    const std::string message =
        StrCat("step ", node->node->id, " asks for the adapter ", step.adapter,
               ", which the server does not list; it is loaded if it can be, and else answered "
               "as `adapter_fallback` says");
    TellOf(ctx, askers, *node, message, step.adapter);
  }
  co_return Result<void>();
}

async::Task<Result<void>> StillServes(async::Context ctx, model::Engine& engine,
                                      const Askers& askers) {
  std::optional<model::EngineInfo> info;
  WEIR_CO_TRY(info, co_await Look(ctx, engine, askers));
  if (!info || info->models.empty()) co_return Result<void>();
  for (const GraphNode* node : askers.steps) {
    const std::string model = ModelOf(askers, *node->step(), *info);
    if (!model::Lacks(*info, model)) continue;
    co_return std::unexpected<Error>(MissingModel(*node, model, *info));
  }
  co_return Result<void>();
}

async::Task<void> WarmPrefixes(async::Context ctx, model::Engine& engine, const Graph& graph,
                               const Askers& askers, json::View vars, EngineHost& host,
                               const RunOptions& options, const Agents& agents) {
  std::vector<model::Call> calls;
  for (const GraphNode* node : askers.steps) {
    if (!IsShared(*node)) continue;
    const json::Value variables = VariablesOf(Traveller(), {"vars"}, vars);
    Result<model::Call> call = StepCall(graph.flow(), *node, variables, host, options);
    if (!call || call->messages.empty()) continue;
    call->timeouts.reset();
    if (node->step()->agent) call->tools = agents.ToolsOf(*node);
    calls.push_back(*std::move(call));
  }
  if (calls.empty()) co_return;
  // A failure is in the events, and in the calls that follow.
  (void)co_await engine::WarmUp(ctx, engine, std::move(calls));
}

}  // namespace weir::flow
