#pragma once

// The words of a picture.

#include <string>
#include <string_view>

#include "weir/flow/graph.h"

namespace weir::flow {

// One line, without control characters.
std::string Plain(std::string_view text);

// "step answer", "agent lint (tools: run_linter; <= 15 turns)", "filter keep: answer.confidence >=
// 0.7", "parallel x3 languages", ...
std::string NodeLabel(const GraphNode& node);
// " [qwen, adapter sql]"; empty for nodes that ask nobody.
std::string EngineLabel(const Graph& graph, const GraphNode& node);
// " -> answer, confidence"; empty for nodes whose fields are not known.
std::string FieldsLabel(const GraphNode& node, std::string_view arrow);
// " (not written, waits for all rows)"
std::string FlagsLabel(const GraphNode& node);
// "branch fr -> fr", "case high", "default"
std::string WayLabel(const GraphNode& node, const Way& way, std::string_view arrow);

}  // namespace weir::flow
