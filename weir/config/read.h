#pragma once

// Files into configurations, with all that is wrong with them; Parse() in config.h stops at the
// first.

#include <string>
#include <string_view>
#include <vector>

#include "weir/config/config.h"
#include "weir/json/yaml.h"

namespace weir::config {

struct ReadConfig {
  Config config;                // as good as it could be had
  std::vector<Error> problems;  // in the order of the file
  // What is allowed and will hardly do: "weir.yaml:4:11: ...".
  std::vector<std::string> warnings;
};

ReadConfig Read(std::string_view text, std::string_view file_name, const Env& env);

enum class BaseUrl : std::uint8_t {
  kMayBeDefault,
  kDemanded,  // "No base_url found" unless the entry has base_url or serve, or $VLLM_BASE_URL is
              // set
};

// One engine out of a document of another shape, for importers: the object at `pointer` has the
// keys of an engine. Only the built-in profiles can be named.
Result<EngineConfig> ReadEngine(const json::YamlDocument& document, const std::string& pointer,
                                const std::string& name, const Env& env,
                                BaseUrl base_url = BaseUrl::kMayBeDefault);

}  // namespace weir::config
