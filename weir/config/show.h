#pragma once

// The effective configuration, for people and programs. What it prints can be read back; secrets
// are redacted.

#include <string>

#include "weir/config/config.h"

namespace weir::config {

// YAML with the origin of each value behind it. What is neither set nor has a default is left out.
std::string ShowYaml(const Config& config);
std::string ShowYaml(const Config& config, const EngineConfig& engine);  // of that engine alone

// The same as JSON, without origins.
std::string ShowJson(const Config& config);
std::string ShowJson(const Config& config, const EngineConfig& engine);

// A text as a JSON string, or as it is where YAML understands it so.
std::string YamlText(std::string_view text);

}  // namespace weir::config
