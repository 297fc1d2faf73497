#pragma once

// Reads flows from YAML. docs/flows.md is the grammar; unknown keys are errors that name the
// nearest one.

#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/flow/flow.h"
#include "weir/flow/graph.h"

namespace weir::flow {

// `target` is FILE, FILE#NAME, or a folder, which means its flow.yaml. A file holds one flow, or is
// a configuration with `flows:`; NAME may be left away where there is one. Includes and schema
// files are read, too. Fails with kConfigError: every problem found, each with its place.
Result<Flow> ReadFlow(std::string_view target);

// What is wrong with a file that was read all the same.
struct ReadProblems {
  std::vector<Problem> problems;
  bool nodes_missing = false;  // some could not be read at all: names of theirs are not known
};

// The same, but what could be read comes back in spite of problems; fails where nothing could.
Result<Flow> ReadFlow(std::string_view target, ReadProblems& found);
Result<Flow> ReadFlowText(std::string_view text, const std::string& file_name,
                          std::string_view name, ReadProblems& found);

// The same of a text; `file_name` stands in the places, and paths count from its folder.
Result<Flow> ReadFlowText(std::string_view text, const std::string& file_name,
                          std::string_view name = {});

// The path of the file that `target` means.
std::string FlowFile(std::string_view target);

// Whether that file is a configuration too: it has `flows:`.
bool IsConfigFile(std::string_view text);

}  // namespace weir::flow
