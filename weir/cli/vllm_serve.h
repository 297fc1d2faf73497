#pragma once

// The program `vllm`, played by the simulator: what it takes, what it logs and how it ends, for
// those who start and watch servers.

#include <string>
#include <string_view>
#include <vector>

#include "weir/cli/command.h"
#include "weir/cli/sim_flags.h"

namespace weir::cli {

// Whether the program was called by the name vllm, as through a link.
bool IsCalledVllm(std::string_view argv0);

// `args` is what stands behind the program's name: "serve MODEL --port 8000". `flags` says what of
// the simulator vLLM has no flag for: dialect, pace, seed, script, a delay before it listens.
//
// Variables: WEIR_SIM_ECHO=1 prints arguments and environment, without secrets;
// WEIR_SIM_FAIL_START=1 fails as an engine does that does not come up; WEIR_SIM_IGNORE_SIGTERM=1.
int RunVllm(const std::vector<std::string>& args, const SimFlags& flags, Session& session);

// The same for a link, with the flags of weir sim from the variable WEIR_SIM_FLAGS, with blanks
// between them.
int RunVllmLink(const std::vector<std::string>& args, Session& session);

}  // namespace weir::cli
