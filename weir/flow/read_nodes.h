#pragma once

// Reads nodes, and what stands in them.

#include <string>

#include "weir/flow/read_keys.h"

namespace weir::flow {

// The list at `pointer` of a file; `what` is what has it: "branch fr".
Nodes ReadNodes(FlowReading& reading, const FlowFileText& file, json::View list,
                const std::string& pointer, const std::string& what, std::size_t depth);

// An object, or the path of a schema file.
Shape ReadShape(Keys& keys, std::string_view key);

// The keys of a step and of an apply, without those that all nodes have.
Step ReadStep(Keys& keys);
Apply ReadApply(Keys& keys);

// A whole file. Fails with kConfigError when there is none.
Result<std::string> ReadPart(const std::string& path);

}  // namespace weir::flow
