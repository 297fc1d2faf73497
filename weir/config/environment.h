#pragma once

// The variables of the environment that set what weir.yaml sets, described once.

#include <span>
#include <string_view>

#include "weir/config/config.h"

namespace weir::config {

struct Variable {
  std::string_view name;
  std::string_view sets;  // key of an engine, "defaults.temperature", as a person would say it
  Result<void> (*apply)(std::string_view name, std::string_view text, EngineConfig& engine);
  bool any_server = false;  // false: for engines of kind vllm only
};

// In the order in which they are applied: a later one wins.
std::span<const Variable> EngineVariables();

// Applies those that are set and fit the kind of the engine, and notes them as origins. Fails with
// kConfigError naming the variable.
Result<void> ApplyEnvironment(EngineConfig& engine, const Env& env, std::vector<Origin>& origins);

// $WEIR_EVENTS_FILE and $WEIR_ENGINE.
void ApplyEnvironment(Config& config, const Env& env);

// Replaces or adds.
void SetOrigin(std::vector<Origin>& origins, std::string pointer, std::string source);

}  // namespace weir::config
