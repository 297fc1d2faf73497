#pragma once

// The scripts of an agent bundle: where they lie, and which inputs they declare. They are read,
// never run.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::config {

// Where `script` of a bundle in `folder` lies: beside it, or below a folder above it. Where there
// is none: as if it lay beside it, and `found` is false.
struct FoundScript {
  std::string path;
  bool found = false;
};
FoundScript FindScript(const std::string& folder, const std::string& script);

struct ScriptInput {
  std::string name;
  json::Value schema;                // of its type
  std::optional<json::Value> value;  // by default; null where it is no literal
};

struct Script {
  std::vector<ScriptInput> inputs;
  bool declares = false;    // it takes its inputs by declaration, as the runner gives them
  bool only_looks = false;  // it can change nothing
};

// Fails with kConfigError for texts that never end.
Result<Script> ReadScript(std::string_view text, std::string_view file);

// {"type": "string"} of "string" or "str", as declarations and overrides name types; {} of others.
json::Value SchemaOfType(std::string_view type);

}  // namespace weir::config
