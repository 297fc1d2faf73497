#include <memory>

#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"

namespace weir::cli {
namespace {

// What --help prints behind these words.
int Help(const CLI::App& app, const std::vector<std::string>& words, Session& session) {
  const CLI::App* command = &app;
  std::string name = "weir";
  for (const std::string& word : words) {
    const CLI::App* next = FindCommand(*command, word);
    if (next == nullptr) {
      session.terminal.Note(
          StrCat("usage: ", UnknownCommand(*command, word), "; see ", name, " --help"));
      return kExitUsage;
    }
    command = next;
    StrAppend(name, " ", word);
  }
  session.terminal.Out(HelpText(*command, name));
  return kExitOk;
}

}  // namespace

void AddHelpCommand(CLI::App& app, Session& session) {
  auto words = std::make_shared<std::vector<std::string>>();  // shared by the callbacks below
  CLI::App& command = AddCommand(app, "help", "Say what a command does, as its --help does");
  TextsFlag(command, "command", *words, "the command; without one, all of them");
  SetRun(command, session, [&app, words, &session] { return Help(app, *words, session); });
}

}  // namespace weir::cli
