// The program: parses the command line, takes the one snapshot of the environment, runs the chosen
// command.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <sstream>

#include <CLI/CLI.hpp>
#include <sys/resource.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"
#include "weir/cli/vllm_serve.h"

namespace weir::cli {
namespace {

Env TakeEnv() {
  Env env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals == text.npos) continue;
    env.variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return env;
}

// Every open stream is a descriptor; the usual soft limit of 1024 is too low for servers and runs.
void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// What a command ends with: its own code, unless stdout failed, which is told.
int End(const Terminal& terminal, int code) {
  if (!terminal.out_error()) return code;
  terminal.Problem(*terminal.out_error());
  return ExitCode(*terminal.out_error());
}

int Version() {
  Terminal terminal{Env()};
  terminal.Out(StrCat("weir ", kVersion, "\n"));
  return End(terminal, kExitOk);
}

int Run(int argc, char** argv) {
  RaiseFileLimit();
  const Env env = TakeEnv();
  Session session{.env = env, .terminal = Terminal(env), .config_file = {}, .run = {}};
  // A link of that name stands in for the program itself.
  if (weir::cli::IsCalledVllm(argv[0])) {
    return End(session.terminal, RunVllmLink({argv + 1, argv + argc}, session));
  }

  CLI::App app("weir gets the best out of vLLM servers: calls, streams, a simulator.", "weir");
  app.set_version_flag("--version", StrCat("weir ", kVersion));
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--config", session.config_file, "configuration file (default: weir.yaml)");
  AddCallCommand(app, session);
  AddChatCommand(app, session);
  AddCompleteCommand(app, session);
  AddEmbedCommand(app, session);
  AddRunCommand(app, session);
  AddBatchCommand(app, session);
  AddFlowCommand(app, session);
  AddAgentCommand(app, session);
  AddReviewCommand(app, session);
  AddJobsCommand(app, session);
  AddEnginesCommand(app, session);
  AddModelsCommand(app, session);
  AddAdaptersCommand(app, session);
  AddDoctorCommand(app, session);
  AddSimCommand(app, session);
  AddJsonCommand(app, session);
  AddSchemaCommand(app, session);
  AddConfigCommand(app, session);
  AddEventsCommand(app, session);
  AddTopCommand(app, session);
  AddCompletionCommand(app, session);
  AddHelpCommand(app, session);

  const std::span<const char* const> words(argv + 1, argv + argc);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const bool asked_for = error.get_exit_code() == 0;  // --help and --version
    if (asked_for) {
      std::ostringstream text;
      const int code = app.exit(error, text, text);
      session.terminal.Out(text.str());
      return End(session.terminal, code);
    }
    const std::optional<std::string> swallowed = SwallowedFlag(app, words);
    session.terminal.Note(StrCat("usage: ", swallowed ? *swallowed : UsageSentence(app, error)));
    return kExitUsage;
  }
  if (const std::optional<std::string> swallowed = SwallowedFlag(app, words)) {
    session.terminal.Note(StrCat("usage: ", *swallowed));
    return kExitUsage;
  }
  if (const std::optional<std::string> flag = EmptyFlag(app)) {
    const Error error{.code = Code::kConfigError,
                      .message = StrCat(*flag,
                                        " has an empty value; give one or leave the flag "
                                        "away (is a variable of the shell not set?)")};
    session.terminal.Problem(error);
    return ExitCode(error);
  }
  const int code = session.run();
  return End(session.terminal, code);
}

}  // namespace
}  // namespace weir::cli

int main(int argc, char** argv) {
  // The commonest question of scripts is answered before anything else is set up.
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0 && !weir::cli::IsCalledVllm(argv[0])) {
    return weir::cli::Version();
  }
  try {
    return weir::cli::Run(argc, argv);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "weir: internal_error: %s; please report this\n", bug.what());
    return weir::cli::ExitCode({.code = weir::Code::kInternal});
  }
}
