#pragma once

// What a flow takes from other files: nodes and schemas.

#include "weir/flow/read_nodes.h"

namespace weir::flow {

inline constexpr std::size_t kMostIncludes = 256;  // of one flow, each time counted
inline constexpr std::size_t kDeepestInclude = 16;

// `include: FILE`: the nodes of that file in the place of this one.
void ReadIncluded(Keys& keys, std::size_t depth, Nodes& out);

}  // namespace weir::flow
