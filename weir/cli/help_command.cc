#include <CLI/CLI.hpp>

#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"

namespace weir::cli {
namespace {

const CLI::App* Find(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands({})) {
    const bool hidden = command->get_group().empty();
    if (!hidden && command->get_name() == word) return command;
  }
  return nullptr;
}

// What --help prints behind these words.
int Help(const CLI::App& app, const std::vector<std::string>& words, Session& session) {
  const CLI::App* command = &app;
  std::string name = app.get_name();
  for (const std::string& word : words) {
    const CLI::App* next = Find(*command, word);
    if (next == nullptr) {
      session.terminal.Note(
          StrCat("usage: ", UnknownCommand(*command, word), "; see ", name, " --help"));
      return kExitUsage;
    }
    command = next;
    StrAppend(name, " ", word);
  }
  session.terminal.Out(
      command->get_formatter()->make_help(command, name, CLI::AppFormatMode::Normal));
  return kExitOk;
}

}  // namespace

void AddHelpCommand(CLI::App& app, Session& session) {
  auto words = std::make_shared<std::vector<std::string>>();  // shared by the callbacks below
  CLI::App* command = app.add_subcommand("help", "Say what a command does, as its --help does");
  command->add_option("command", *words, "the command; without one, all of them");
  command->callback([&app, words, &session] {
    session.run = [&app, words, &session] { return Help(app, *words, session); };
  });
}

}  // namespace weir::cli
