#pragma once

// The effective configuration, for people and programs; secrets are redacted.

#include <string>

#include "weir/config/config.h"

namespace weir::config {

// YAML with the origin of each value behind it, which can be read back. What is neither set nor has
// a default is left out.
std::string ShowYaml(const Config& config);
std::string ShowYaml(const Config& config, const EngineConfig& engine);  // of that engine alone

// The same as JSON: in the place of each value an object {"value": 5, "from": "weir.yaml:4:14"}.
// Nothing else has a text under "from". An engine that cannot be used has a text "unusable".
std::string ShowJson(const Config& config);
std::string ShowJson(const Config& config, const EngineConfig& engine);

// A text as a JSON string, or as it is where YAML understands it so.
std::string YamlText(std::string_view text);

}  // namespace weir::config
