#pragma once

// How commands plug into the program: one file each, one Add function each.

#include <functional>
#include <string>

#include "weir/base/env.h"
#include "weir/cli/terminal.h"

namespace CLI {
class App;
}

namespace weir::cli {

// What every command is given. Outlives the parsing and the run.
struct Session {
  const Env& env;
  Terminal terminal;
  std::string config_file;  // --config
  // Set by the command that was chosen; returns the exit code. What was lost because stdout failed
  // is told behind it, for all commands alike.
  std::function<int()> run;
};

// Tells what stopped a command, and gives its exit code.
inline int Refuse(Session& session, const Error& error) {
  session.terminal.Problem(error);
  return ExitCode(error);
}

void AddCallCommand(CLI::App& app, Session& session);
void AddChatCommand(CLI::App& app, Session& session);
void AddCompleteCommand(CLI::App& app, Session& session);
void AddEmbedCommand(CLI::App& app, Session& session);
void AddModelsCommand(CLI::App& app, Session& session);
void AddAdaptersCommand(CLI::App& app, Session& session);
void AddDoctorCommand(CLI::App& app, Session& session);
void AddSimCommand(CLI::App& app, Session& session);
void AddJsonCommand(CLI::App& app, Session& session);
void AddSchemaCommand(CLI::App& app, Session& session);
void AddConfigCommand(CLI::App& app, Session& session);
void AddRunCommand(CLI::App& app, Session& session);
void AddBatchCommand(CLI::App& app, Session& session);
void AddFlowCommand(CLI::App& app, Session& session);
void AddAgentCommand(CLI::App& app, Session& session);
void AddReviewCommand(CLI::App& app, Session& session);
void AddEnginesCommand(CLI::App& app, Session& session);
void AddHelpCommand(CLI::App& app, Session& session);
void AddJobsCommand(CLI::App& app, Session& session);
void AddEventsCommand(CLI::App& app, Session& session);
void AddTopCommand(CLI::App& app, Session& session);
void AddCompletionCommand(CLI::App& app, Session& session);

}  // namespace weir::cli
