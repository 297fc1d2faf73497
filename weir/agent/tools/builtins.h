#pragma once

// The tools that weir brings along. All of them see the root of their surroundings and nothing
// else.
//
//   read_file {path, first_line?, last_line?}     list_files {path?, glob?}
//   write_file {path, text}                       search_text {text|regex, path?, glob?}
//   edit_file {path, old, new, all?}              run_command {command: [PROGRAM, ARG...], input?}

#include <memory>
#include <span>
#include <string_view>

#include "weir/agent/agent.h"
#include "weir/agent/tools/tool.h"

namespace weir::agent {

struct Builtin {
  std::string_view name;
  std::string_view description;
  std::string_view arguments;  // JSON Schema
  bool mutates;
};

std::span<const Builtin> Builtins();

// Fails with kConfigError for a name that there is not, and the nearest right one; for run_command
// without `allow`.
Result<std::unique_ptr<Tool>> NewBuiltin(const ToolDefinition& definition);

}  // namespace weir::agent
