#include <algorithm>
#include <memory>
#include <utility>

#include "weir/base/text.h"
#include "weir/cli/command.h"
#include "weir/cli/flags.h"

namespace weir::cli {
namespace {

// What is completed behind a command.
struct Words {
  std::string command;
  std::vector<std::string> nested;  // commands of the command
  std::vector<std::string> flags;   // of all of them
};

std::vector<Words> CommandsOf(const CommandWords& program) {
  std::vector<Words> commands;
  for (const CommandWords& command : program.commands) {
    Words words{.command = command.name, .nested = {}, .flags = command.flags};
    for (const CommandWords& nested : command.commands) {
      words.nested.push_back(nested.name);
      for (const std::string& flag : nested.flags) {
        if (std::ranges::find(words.flags, flag) == words.flags.end()) words.flags.push_back(flag);
      }
    }
    commands.push_back(std::move(words));
  }
  return commands;
}

std::string Names(const std::vector<Words>& commands) {
  std::string names;
  for (const Words& words : commands) StrAppend(names, names.empty() ? "" : " ", words.command);
  return names;
}

std::string BashScript(const CommandWords& program) {
  const std::vector<Words> commands = CommandsOf(program);
  std::string script =
      "# bash completion of weir; load it with: source <(weir completion bash)\n"
      "_weir() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} words=\"\" nested=\"\"\n"
      "  case ${COMP_WORDS[1]} in\n";
  for (const Words& words : commands) {
    StrAppend(script, "    ", words.command, ") words=\"", Join(words.flags, " "), "\" nested=\"",
              Join(words.nested, " "), "\" ;;\n");
  }
  StrAppend(script, "    *) words=\"", Names(commands), " ", Join(program.flags, " "),
            "\" ;;\n"
            "  esac\n"
            "  if [[ $COMP_CWORD -eq 1 || $word == -* ]]; then\n"
            "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
            "  elif [[ $COMP_CWORD -eq 2 && -n $nested ]]; then\n"
            "    mapfile -t COMPREPLY < <(compgen -W \"$nested\" -- \"$word\")\n"
            "  fi\n"
            "}\n"
            "complete -o default -F _weir weir\n");
  return script;
}

std::string ZshScript(const CommandWords& program) {
  const std::vector<Words> commands = CommandsOf(program);
  std::string script =
      "#compdef weir\n"
      "# zsh completion of weir; load it with: source <(weir completion zsh)\n"
      "_weir() {\n"
      "  local -a candidates\n"
      "  if (( CURRENT == 2 )); then\n";
  StrAppend(script, "    candidates=(", Names(commands), ")\n  else\n    case ${words[2]} in\n");
  for (const Words& words : commands) {
    std::vector<std::string> candidates = words.nested;
    candidates.insert(candidates.end(), words.flags.begin(), words.flags.end());
    StrAppend(script, "      ", words.command, ") candidates=(", Join(candidates, " "), ") ;;\n");
  }
  StrAppend(script,
            "    esac\n"
            "  fi\n"
            "  compadd -- $candidates\n"
            "  _files\n"
            "}\n"
            "compdef _weir weir\n");
  return script;
}

std::string FishScript(const CommandWords& program) {
  std::string script = "# fish completion of weir; load it with: weir completion fish | source\n";
  for (const Words& words : CommandsOf(program)) {
    StrAppend(script, "complete -c weir -n __fish_use_subcommand -a ", words.command, "\n");
    for (const std::string& nested : words.nested) {
      StrAppend(script, "complete -c weir -n '__fish_seen_subcommand_from ", words.command, "' -a ",
                nested, "\n");
    }
    for (const std::string& flag : words.flags) {
      const bool is_long = flag.starts_with("--");
      StrAppend(script, "complete -c weir -n '__fish_seen_subcommand_from ", words.command, "' ",
                is_long ? "-l " : "-s ", flag.substr(is_long ? 2 : 1), "\n");
    }
  }
  return script;
}

}  // namespace

void AddCompletionCommand(CLI::App& app, Session& session) {
  auto shell = std::make_shared<std::string>();  // shared by what the command keeps
  CLI::App& command = AddCommand(app, "completion", "Print the completion script of a shell");
  TextFlag(command, "shell", *shell, "bash, zsh or fish").Required().OneOf({"bash", "zsh", "fish"});
  SetRun(command, session, [shell, &app, &session] {
    const CommandWords program = WordsOf(app);
    session.terminal.Out(*shell == "bash"  ? BashScript(program)
                         : *shell == "zsh" ? ZshScript(program)
                                           : FishScript(program));
    return kExitOk;
  });
}

}  // namespace weir::cli
