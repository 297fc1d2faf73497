#pragma once

// The sandbox of programs: bubblewrap, which shows them the system without the homes of its users,
// lets them write in the workspace and in an empty /tmp alone, and gives them no network.

#include <string>
#include <vector>

#include "weir/base/env.h"
#include "weir/base/result.h"

namespace weir::agent {

// What stands before the path of a program and its arguments to run it in the sandbox. `root` is
// the workspace, "" for none; both paths are absolute. Fails with kConfigError when bubblewrap is
// not installed.
Result<std::vector<std::string>> SandboxCommand(const std::string& root, const std::string& program,
                                                const Env& env);

}  // namespace weir::agent
