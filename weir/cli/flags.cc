#include "weir/cli/flags.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include <CLI/CLI.hpp>

#include "weir/base/text.h"
#include "weir/cli/command.h"

namespace weir::cli {
namespace {

constexpr std::size_t kShownBytes = 60;
constexpr std::size_t kShortestWord = 3;  // what is shorter is near to anything
constexpr std::size_t kShortestStem = 5;  // "--" and three letters: enough to tell what was begun

template <class Parse, class T>
void Number(CLI::App& command, const std::string& names, std::optional<T>& field,
            const std::string& help, const char* type, const char* wanted, Parse parse) {
  const std::string name = names.substr(names.rfind(',') + 1);
  const auto read = [&field, name, wanted, parse](const std::string& text) {
    field = parse(text);
    if (field) return;
    ThrowUsageError(StrCat(name, " wants ", wanted, ", found '", Truncate(text, kShownBytes), "'"));
  };
  command.add_option_function<std::string>(names, read, help)->type_name(type);
}

// The program and the commands that were chosen, each of the one before.
std::vector<const CLI::App*> Chosen(const CLI::App& app) {
  std::vector<const CLI::App*> line = {&app};
  while (!line.back()->get_subcommands().empty()) {
    line.push_back(line.back()->get_subcommands().front());
  }
  return line;
}

// "weir jobs submit"
std::string NameOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* chosen : Chosen(app)) names.push_back(chosen->get_name());
  return Join(names, " ");
}

void AddLongFlags(const CLI::App& app, std::vector<std::string>& flags) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
}

// The word that `word` begins, or the one it is a misspelling of.
std::string DidYouMean(const std::string& word, const std::vector<std::string>& known) {
  if (word.size() < kShortestWord) return {};
  const auto begun =
      std::ranges::find_if(known, [&](const std::string& name) { return name.starts_with(word); });
  std::optional<std::string> meant = Nearest(word, known);
  if (word.size() >= kShortestStem && begun != known.end()) meant = *begun;
  return meant ? StrCat("; did you mean '", *meant, "'?") : std::string();
}

std::string UnknownFlag(const CLI::App& app, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* chosen : Chosen(app) | std::views::reverse) AddLongFlags(*chosen, known);
  const std::string flag = word.substr(0, word.find('='));
  return StrCat("unknown flag '", Truncate(flag, kShownBytes), "'",
                flag.starts_with("--") ? DidYouMean(flag, known) : "",
                " (a text that begins with a dash stands behind a lone --)");
}

bool IsFlag(const std::string& word) { return word.size() > 1 && word.starts_with('-'); }

// CLI11 says these in words of its own: "--seed: 1 required TEXT missing".
std::string WrongCount(const std::string& said) {
  const std::string flag = said.substr(0, said.find(':'));
  if (said.ends_with(" missing")) {
    return StrCat(flag, " wants a value (", flag, "=VALUE when the value begins with a dash)");
  }
  if (said.find("At Most 1") != said.npos) return StrCat(flag, " is given more than once");
  return said;
}

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> known;
  for (const CLI::App* command : app.get_subcommands({})) {
    const bool hidden = command->get_group().empty();
    if (!hidden) known.push_back(command->get_name());
  }
  return known;
}

}  // namespace

Flag Flag::Required() const {
  option_->required();
  return *this;
}

Flag Flag::Shows(const std::string& text) const {
  option_->option_text(text);
  return *this;
}

Flag Flag::OneOf(std::vector<std::string> words) const {
  const std::string list = StrCat("{", Join(words, ","), "}");
  const auto refusal = [words = std::move(words)](const std::string& word) -> std::string {
    if (std::ranges::find(words, word) != words.end()) return {};
    return StrCat("'", Truncate(word, kShownBytes), "' is none of ", Join(words, ", "),
                  DidYouMean(word, words));
  };
  option_->check(CLI::Validator(refusal, list));
  return *this;
}

Flag Flag::Needs(Flag other) const {
  option_->needs(other.option_);
  return *this;
}

Flag Flag::Excludes(Flag other) const {
  option_->excludes(other.option_);
  return *this;
}

Flag Flag::Single() const {
  option_->expected(1);
  return *this;
}

Flag Flag::SplitAt(char delimiter) const {
  option_->delimiter(delimiter);
  return *this;
}

CLI::App& AddCommand(CLI::App& parent, const std::string& name, const std::string& help) {
  return *parent.add_subcommand(name, help);
}

CLI::App& AddPrefixCommand(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App& command = AddCommand(parent, name, help);
  command.fallthrough(false);
  command.prefix_command();
  return command;
}

CLI::App& AddOpenCommand(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App& command = AddCommand(parent, name, help);
  command.fallthrough(false);
  command.allow_extras();
  return command;
}

std::optional<std::vector<std::string>> WordsBehind(const CLI::App& command) {
  if (!command.parsed()) return std::nullopt;
  return command.remaining();
}

void HideCommand(CLI::App& command) { command.group(""); }

void RequireCommand(CLI::App& command) { command.require_subcommand(1); }

void RemoveHelpFlag(CLI::App& command) { command.set_help_flag(); }

void SetHeading(CLI::App& command, const std::string& heading) {
  command.option_defaults()->group(heading);
}

void SetRun(CLI::App& command, Session& session, std::function<int()> run) {
  command.callback([run = std::move(run), &session] { session.run = run; });
}

void OnChosen(CLI::App& command, std::function<void()> then) { command.callback(std::move(then)); }

void ThrowUsageError(const std::string& sentence) {
  throw CLI::ValidationError(sentence, static_cast<int>(CLI::ExitCodes::ValidationError));
}

Flag TextFlag(CLI::App& command, const std::string& names, std::string& field,
              const std::string& help) {
  return Flag(*command.add_option(names, field, help));
}

Flag TextFlag(CLI::App& command, const std::string& names, std::optional<std::string>& field,
              const std::string& help) {
  return TextFlag(command, names, [&field](const std::string& text) { field = text; }, help);
}

Flag TextFlag(CLI::App& command, const std::string& names,
              const std::function<void(const std::string&)>& take, const std::string& help) {
  return Flag(*command.add_option_function<std::string>(names, take, help));
}

Flag TextsFlag(CLI::App& command, const std::string& names, std::vector<std::string>& field,
               const std::string& help) {
  return Flag(*command.add_option(names, field, help));
}

Flag ListFlag(CLI::App& command, const std::string& names, std::vector<std::string>& field,
              const std::string& help) {
  return Flag(*command.add_option(names, field, help)->allow_extra_args(false));
}

Flag SwitchFlag(CLI::App& command, const std::string& names, bool& field, const std::string& help) {
  return Flag(*command.add_flag(names, field, help));
}

Flag SwitchFlag(CLI::App& command, const std::string& names, std::function<void()> given,
                const std::string& help) {
  return Flag(*command.add_flag_callback(names, std::move(given), help));
}

void NumberFlag(CLI::App& command, const std::string& names, std::optional<std::int64_t>& field,
                const std::string& help) {
  Number(command, names, field, help, "INT", "a whole number of at most 19 digits", ParseInt);
}

void NumberFlag(CLI::App& command, const std::string& names, std::optional<std::uint64_t>& field,
                const std::string& help) {
  Number(command, names, field, help, "UINT", "a whole number from 0 to 18446744073709551615",
         ParseUint);
}

void NumberFlag(CLI::App& command, const std::string& names, std::optional<double>& field,
                const std::string& help) {
  Number(command, names, field, help, "FLOAT", "a number", ParseDouble);
}

void LooseNumberFlag(CLI::App& command, const std::string& names, int& field,
                     const std::string& help) {
  command.add_option(names, field, help);
}

void LooseNumberFlag(CLI::App& command, const std::string& names,
                     std::optional<std::int64_t>& field, const std::string& help) {
  command.add_option(names, field, help);
}

void LooseNumberFlag(CLI::App& command, const std::string& names, std::optional<double>& field,
                     const std::string& help) {
  command.add_option(names, field, help);
}

std::shared_ptr<CLI::App> NewCommandLine(const std::string& name) {
  return std::make_shared<CLI::App>("", name);
}

void ParseWords(CLI::App& app, std::vector<std::string> words) {
  std::ranges::reverse(words);  // as CLI11 wants them
  app.parse(std::move(words));
}

std::optional<std::string> ParseLine(CLI::App& app, const std::string& line) {
  try {
    app.parse(line);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
}

std::vector<GivenFlag> GivenFlags(const CLI::App& command) {
  std::vector<GivenFlag> given;
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0) continue;
    given.push_back({.name = option->get_name(), .heading = option->get_group()});
  }
  return given;
}

bool HasFlag(const CLI::App& command, const std::string& name) {
  return command.get_option_no_throw(name) != nullptr;
}

CommandWords WordsOf(const CLI::App& app) {
  CommandWords words{.name = app.get_name(), .flags = {}, .commands = {}};
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) words.flags.push_back("-" + name);
  }
  for (const CLI::App* command : app.get_subcommands({}))
    words.commands.push_back(WordsOf(*command));
  return words;
}

const CLI::App* FindCommand(const CLI::App& app, const std::string& word) {
  for (const CLI::App* command : app.get_subcommands({})) {
    const bool hidden = command->get_group().empty();
    if (!hidden && command->get_name() == word) return command;
  }
  return nullptr;
}

std::string HelpText(const CLI::App& command, const std::string& name) {
  return command.get_formatter()->make_help(&command, name, CLI::AppFormatMode::Normal);
}

std::string UnknownCommand(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> known = CommandsOf(app);
  const std::string shown = StrCat("'", Truncate(word, kShownBytes), "'");
  if (known.empty()) return StrCat(app.get_name(), " has no commands inside, so no ", shown);
  return StrCat("there is no command ", shown, DidYouMean(word, known),
                " (the commands: ", Join(known, ", "), ")");
}

std::string UsageSentence(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& last = *Chosen(app).back();
  std::vector<std::string> left;
  if (!last.get_allow_extras()) left = app.remaining(true);
  const auto flag = std::ranges::find_if(left, IsFlag);
  const bool no_command = last.get_require_subcommand_min() > 0;
  std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
    text = WrongCount(text);
  } else if (no_command && !left.empty() && flag != left.begin()) {
    text = UnknownCommand(last, left.front());
  } else if (flag != left.end()) {
    text = UnknownFlag(app, *flag);
  } else if (no_command) {
    text = StrCat("a command is missing (the commands: ", Join(CommandsOf(last), ", "), ")");
  } else if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !left.empty()) {
    // It may be an argument or stand behind -e, and has stood there.
    const CLI::Option* const engine = last.get_option_no_throw("--engine");
    const bool again = engine != nullptr && engine->get_positional() && engine->count() > 0;
    const CLI::Option* const files = last.get_option_no_throw("--files");
    const bool glob = files != nullptr && files->count() > 0;
    text = StrCat("'", Truncate(left.front(), kShownBytes),
                  again  ? "' is a second engine; name one, with -e or without"
                  : glob ? "' is one argument too many; put the pattern of --files in quotes, or "
                           "the shell makes several names of it"
                         : "' is one argument too many; put a text of several words in quotes");
  }
  return StrCat(text, "; see ", NameOf(app), " --help");
}

std::optional<std::string> SwallowedFlag(const CLI::App& app, std::span<const char* const> words) {
  const auto find = [&app](std::string_view word) -> const CLI::Option* {
    for (const CLI::App* chosen : Chosen(app)) {
      for (const CLI::Option* option : chosen->get_options()) {
        if (IsFlag(std::string(word)) && option->check_name(std::string(word))) return option;
      }
    }
    return nullptr;
  };
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string_view word = words[i];
    if (word == "--") break;
    const std::string value = words[i + 1];
    const std::string name = value.substr(0, value.find('='));
    if (!name.starts_with("--") || find(name) == nullptr) continue;
    const CLI::Option* const flag = find(word);
    if (flag == nullptr || std::ranges::count(flag->results(), value) == 0) continue;
    return StrCat(word, " wants a value, and ", name, " behind it is a flag of its own (--",
                  flag->get_lnames().front(), "=", Truncate(value, kShownBytes),
                  " when it is the value); see ", NameOf(app), " --help");
  }
  return std::nullopt;
}

std::optional<std::string> EmptyFlag(const CLI::App& app) {
  for (const CLI::App* chosen : Chosen(app)) {
    for (const CLI::Option* option : chosen->get_options()) {
      if (option->get_positional() || option->count() == 0) continue;
      if (std::ranges::count(option->results(), std::string()) == 0) continue;
      return StrCat("--", option->get_lnames().front());
    }
  }
  return std::nullopt;
}

}  // namespace weir::cli
