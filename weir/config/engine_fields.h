#pragma once

// One entry of `engines:`, read.

#include "weir/config/config.h"
#include "weir/json/yaml.h"

namespace weir::config {

// `name` is the entry's key, or empty when the entry is an item of a list and names itself.
Result<EngineConfig> ReadEngine(const json::YamlDocument& document, const std::string& pointer,
                                std::string name, const Env& env);

}  // namespace weir::config
