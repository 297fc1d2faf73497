#pragma once

// The type check: what can be known before the first token. Templates and expressions are followed
// through the schemas of what they read.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/env.h"
#include "weir/flow/graph.h"

namespace weir::flow {

// What is known of an engine without asking it.
struct EngineFacts {
  std::string kind;  // "vllm", "openai", "ollama", "sim"
  std::string model;
  std::vector<std::string> adapters;  // that the configuration knows
  bool loads_adapters = false;        // others may be on the server
  // Kinds of constraints (model::ConstraintName) that it cannot carry, with the reason.
  std::map<std::string, std::string> lacks;
};

struct CheckFacts {
  std::map<std::string, EngineFacts> engines;  // by name
  std::string default_engine;
  std::vector<std::string> profiles;
  std::string engine;         // asked instead of every engine of the flow; empty: none is
  bool knows_engines = true;  // false: there is no configuration, engines are not checked
  // $PATH, where programs of tools are looked for; unset: those without a slash are believed.
  std::optional<std::string> program_path;
  // What servers of agents may name variables of; null: those that they name are believed.
  const Env* env = nullptr;
};

// Every problem, in the order of the flow: names that nothing gives (with the nearest one), fields
// that a schema does not have or that may be missing, values of a wrong type in `over`, `each` and
// `on`, joins that hide another name, nodes that nothing can reach (behind a `where: false`, cases
// that an enum excludes), branches without join whose output nobody writes, engines, profiles,
// adapters and constraints that are not there, programs of tools that cannot be run, variables of
// servers that are not set. Warnings do not stop a run.
std::vector<Problem> CheckFlow(const Graph& graph, const CheckFacts& facts);

}  // namespace weir::flow
