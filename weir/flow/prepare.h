#pragma once

// What happens before the first row of a pass: are the models and adapters there, and are the
// beginnings that all prompts of a step share in the cache?

#include <memory>
#include <string>
#include <vector>

#include "weir/async/context.h"
#include "weir/flow/agents.h"
#include "weir/flow/graph.h"
#include "weir/flow/run.h"
#include "weir/json/value.h"
#include "weir/model/engine.h"

namespace weir::flow {

// The steps of some nodes that ask one engine.
struct Askers {
  std::string engine;
  bool replaced = false;  // by -e or a variant: then models that steps name are not asked for
  std::vector<const GraphNode*> steps;
};

// Of the top-level nodes [from, to) and what is inside them, by engine in the order of the nodes.
std::vector<Askers> AskersOf(const Graph& graph, std::size_t from, std::size_t to,
                             const RunOptions& options);

// The model that calls get that name none; empty where the server does not say it.
std::string ServedBy(const model::EngineInfo& info);

// Asks the server what it has. Fails when it cannot be reached, when its list does not have a model
// that a step names (lists of OpenAI's kind prove nothing), or when it has another one for it than
// when the run was begun: `stats` knows, and is told. Other weights by the same name, and a missing
// adapter, for which the engine has its own rule, are told as events "preflight".
async::Task<Result<void>> Preflight(async::Context ctx, model::Engine& engine, const Askers& askers,
                                    RunStats& stats);

// Of a server that has refused something: fails when it cannot be reached or does not list the
// models that these calls name, the engine's own too. Tells nothing.
async::Task<Result<void>> StillServes(async::Context ctx, model::Engine& engine,
                                      const Askers& askers);

// Sends each beginning once. What fails is no reason not to run: events "prefix.warmed" tell.
// `agents` are open: tools stand in front of the system prompt.
async::Task<void> WarmPrefixes(async::Context ctx, model::Engine& engine, const Graph& graph,
                               const Askers& askers, json::View vars, EngineHost& host,
                               const RunOptions& options, const Agents& agents);

}  // namespace weir::flow
