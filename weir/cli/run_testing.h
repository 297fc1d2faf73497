#pragma once

// A run to look at, for the tests of the views.

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/graph.h"
#include "weir/flow/stats.h"

namespace weir::cli {

inline flow::Node TestStep(std::string id, std::string engine = "gpu0") {
  return {.id = std::move(id), .what = flow::Step{.engine = std::move(engine), .user = {"hi", {}}}};
}

// short -> kind -> tone (formal: polish, check; casual: relax) -> route ("a": first, "b": second)
inline flow::Graph TestGraph() {
  flow::Flow flow{.name = "reviews"};
  flow.nodes.push_back({.id = "short", .what = flow::Apply{.where = {"true", {}}}});
  flow.nodes.push_back(TestStep("kind"));
  flow::Parallel tone;
  tone.branches.push_back({.name = "formal", .join = "formal"});
  tone.branches[0].nodes.push_back(TestStep("polish"));
  tone.branches[0].nodes.push_back(TestStep("check", "gpu1"));
  tone.branches.push_back({.name = "casual", .join = "casual"});
  tone.branches[1].nodes.push_back(TestStep("relax"));
  flow.nodes.push_back({.id = "tone", .what = std::move(tone)});
  flow::Switch route{.on = {"kind", {}}};
  route.cases.push_back({.equals = json::Value::Of(std::string_view("a"))});
  route.cases[0].nodes.push_back(TestStep("first"));
  route.cases.push_back({.equals = json::Value::Of(std::string_view("b"))});
  route.cases[1].nodes.push_back(TestStep("second"));
  flow.nodes.push_back({.id = "route", .what = std::move(route)});
  return flow::Graph::Compile(std::move(flow)).value();
}

// So many steps, one after another.
inline flow::Graph LongGraph(int steps) {
  flow::Flow flow{.name = "long"};
  for (int i = 0; i < steps; ++i) flow.nodes.push_back(TestStep(StrCat("step", i)));
  return flow::Graph::Compile(std::move(flow)).value();
}

// As if `done` of `total` rows had gone through all of the graph, of which one failed at `kind`,
// and each answer had taken ten tokens.
inline void Advance(const flow::Graph& graph, flow::RunStats& stats, std::uint64_t done,
                    std::uint64_t total) {
  const std::uint64_t failed = done > 0 ? 1 : 0;
  stats.rows_total = total;
  stats.rows_read = stats.rows_done = done;
  stats.rows_failed = failed;
  stats.rows_ok = done - failed;
  stats.sessions = 1;
  stats.session = {.rows = done};
  for (const flow::GraphNode* node : graph.all()) {
    flow::NodeStats& figures = stats.nodes[node->index];
    figures.ok = done - failed;
    if (node->node->id == "kind") figures.failed = failed;
    if (node->index > 1) figures.skipped = failed;
    if (node->index == 0) figures.ok = done;
    if (node->step() == nullptr) continue;
    figures.in_flight = done < total ? 2 : 0;
    figures.completion_tokens = static_cast<std::int64_t>(figures.ok * 10);
    figures.prompt_tokens = static_cast<std::int64_t>(figures.ok * 100);
    stats.session.completion_tokens += figures.completion_tokens;
  }
}

}  // namespace weir::cli
