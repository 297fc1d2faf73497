#pragma once

// Programs as tools, and what runs them: a session of its own in the root's folder, with a scrubbed
// environment, a time limit and a limit on what it prints.

#include <memory>
#include <string>
#include <vector>

#include "weir/agent/agent.h"
#include "weir/agent/tools/tool.h"

namespace weir::agent {

struct ProgramRun {
  std::vector<std::string> argv;
  std::string input;  // its stdin
  Duration timeout = std::chrono::seconds(60);
  std::size_t max_output = 64 << 10;  // of stdout, and of stderr
  std::size_t max_processes = 256;    // at once
};

struct ProgramResult {
  std::string output;  // stdout, cut at max_output
  std::string errors;  // stderr, the same
  bool cut = false;    // something was cut
  int status = 0;
  int signal = 0;
};

// Fails with kConfigError when there is no such program, kTimeout when it took too long, kIoError
// when it could not be started, and with the context's error. However it ended, every process that
// is left in its session, in whatever group, is killed then. A fork bomb is bounded: a process may
// fill 4 GiB of memory (setrlimit), and a program that has more than `max_processes` is killed with
// all of them (kIoError).
async::Task<Result<ProgramResult>> RunProgram(async::Context ctx, ProgramRun run,
                                              const Surroundings& around);

// Whether programs can be run in a sandbox here: bubblewrap is there and may make namespaces.
// Otherwise the error says what is missing and how to get it.
Result<void> CheckSandbox(const Env& env);

// `folder` is what argv[0] with a slash counts from. The result of the tool is its stdout, behind
// what the context programs printed; an exit code that is not 0 is an error with the end of its
// stderr. Its environment is that of the surroundings, with WEIR_AGENT, WEIR_WORKSPACE and
// WEIR_TOOL.
std::unique_ptr<Tool> NewProgramTool(const ToolDefinition& definition, std::string folder);

// What the context programs of a definition print, one after another; nothing when there are none.
async::Task<Result<std::string>> RunContext(async::Context ctx, const ContextPrograms& programs,
                                            std::string folder, const Surroundings& around);

}  // namespace weir::agent
