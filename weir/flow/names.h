#pragma once

// The names of a flow: which are allowed, and what nodes are called.

#include <span>
#include <string_view>

#include "weir/flow/graph.h"

namespace weir::flow {

// [A-Za-z_]
bool StartsName(char c);

// [A-Za-z_][A-Za-z0-9_]*
bool IsName(std::string_view text);

// What every template knows without any node: row, chain_input, input, row_id, vars.
std::span<const std::string_view> GivenNames();

// Whether a node may not have that name: the given ones, what the run folder needs, the words of
// the template language.
bool IsReserved(std::string_view name);

// "step", "agent", "apply", "parallel", "switch", "map"
std::string_view TypeName(const Node& node);

// The engine of a step: its own, else the flow's; empty when neither names one.
std::string_view EngineOf(const Flow& flow, const Step& step);

}  // namespace weir::flow
