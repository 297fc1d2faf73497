#pragma once

// Compiles the shapes of a flow.

#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/flow/flow.h"
#include "weir/schema/schema.h"

namespace weir::flow {

// References start at the shape's file, or at the flow's folder for a schema that stands in the
// flow; they may lead into both folders and nowhere else. Files that were read are added to
// `parts`.
Result<schema::Schema> CompileShape(const Shape& shape, const std::string& flow_folder,
                                    std::vector<std::string>& parts);

// Every schema of the flow that refers to other files becomes one that does not: a server sees the
// schema, not our disk. What cannot be led elsewhere is left for CompileShape(). What an agent
// hands in becomes the output of its step.
void BundleShapes(Flow& flow);

}  // namespace weir::flow
