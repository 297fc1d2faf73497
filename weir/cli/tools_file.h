#pragma once

// Files that say what a model may call, and what its answer must look like.

#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/message.h"

namespace weir::cli {

// A list of tools, in OpenAI's wrapping ({"type":"function","function":{...}}) or without it.
Result<std::vector<model::ToolSpec>> ReadTools(const std::string& path);

// A JSON document that is to be a schema; the engine says whether it can be served.
Result<json::Value> ReadSchema(const std::string& path);

}  // namespace weir::cli
