#pragma once

// The commands and flags of the program: a front of CLI11, whose header takes seconds of every
// source that includes it. Commands say here what they take; flags.cc and main.cc alone know CLI11.
//
// In every function `names` is "-o,--out" for a flag, "--on,!--off" for a switch with an opposite,
// and a bare word for an argument; what is filled must outlive the parsing and keeps its value when
// the flag is not given. Whatever is wrong with a command line ends the parsing with a usage error.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
class ParseError;
}  // namespace CLI

namespace weir::cli {

struct Session;

// A flag or an argument that was added to a command: what else is to be said of it. A handle; the
// command owns what is behind it.
class Flag {
 public:
  explicit Flag(CLI::Option& option) : option_(&option) {}

  Flag Required() const;
  // What the help shows for the value, instead of its type.
  Flag Shows(const std::string& text) const;
  // These words only; others are usage errors that name the nearest.
  Flag OneOf(std::vector<std::string> words) const;
  // A usage error without `other`, or together with it.
  Flag Needs(Flag other) const;
  Flag Excludes(Flag other) const;
  // Of a list: exactly one value; or several in one, with this between them.
  Flag Single() const;
  Flag SplitAt(char delimiter) const;

 private:
  CLI::Option* option_;
};

// A command below `parent`. Its parent owns it.
CLI::App& AddCommand(CLI::App& parent, const std::string& name, const std::string& help);
// The same, and everything behind its name is taken as it is: words of another program.
CLI::App& AddPrefixCommand(CLI::App& parent, const std::string& name, const std::string& help);
// The same, and what it does not know of the words behind its name is kept.
CLI::App& AddOpenCommand(CLI::App& parent, const std::string& name, const std::string& help);
// What stood behind a prefix command, or was kept by an open one; not set when it was not given.
std::optional<std::vector<std::string>> WordsBehind(const CLI::App& command);

// The help does not list it; completions do.
void HideCommand(CLI::App& command);
// It is an error to give none of the commands inside `command`.
void RequireCommand(CLI::App& command);
// `command` knows no --help.
void RemoveHelpFlag(CLI::App& command);
// Flags that are added from here on stand under this heading of the help.
void SetHeading(CLI::App& command, const std::string& heading);

// When `command` was chosen, and its flags are read: `session` gets this to run; or `then` is done
// first, which may throw a usage error. The last of these calls counts.
void SetRun(CLI::App& command, Session& session, std::function<int()> run);
void OnChosen(CLI::App& command, std::function<void()> then);
[[noreturn]] void ThrowUsageError(const std::string& sentence);

// A text; given more than once, it is a usage error.
Flag TextFlag(CLI::App& command, const std::string& names, std::string& field,
              const std::string& help);
Flag TextFlag(CLI::App& command, const std::string& names, std::optional<std::string>& field,
              const std::string& help);
Flag TextFlag(CLI::App& command, const std::string& names,
              const std::function<void(const std::string&)>& take, const std::string& help);

// Texts, of a flag that may be repeated: several behind it each time, or exactly one.
Flag TextsFlag(CLI::App& command, const std::string& names, std::vector<std::string>& field,
               const std::string& help);
Flag ListFlag(CLI::App& command, const std::string& names, std::vector<std::string>& field,
              const std::string& help);

// A flag without a value: sets `field`, or does `given`.
Flag SwitchFlag(CLI::App& command, const std::string& names, bool& field, const std::string& help);
Flag SwitchFlag(CLI::App& command, const std::string& names, std::function<void()> given,
                const std::string& help);

// Numbers, read by our own rules: nothing is rounded, cut or saturated on the way, and what cannot
// be read is told in a sentence. Whether a number of the right kind makes sense is for others to
// say.
void NumberFlag(CLI::App& command, const std::string& names, std::optional<std::int64_t>& field,
                const std::string& help);
void NumberFlag(CLI::App& command, const std::string& names, std::optional<std::uint64_t>& field,
                const std::string& help);
void NumberFlag(CLI::App& command, const std::string& names, std::optional<double>& field,
                const std::string& help);

// Numbers as CLI11 reads them: out of range is infinite, or not to be converted.
void LooseNumberFlag(CLI::App& command, const std::string& names, int& field,
                     const std::string& help);
void LooseNumberFlag(CLI::App& command, const std::string& names,
                     std::optional<std::int64_t>& field, const std::string& help);
void LooseNumberFlag(CLI::App& command, const std::string& names, std::optional<double>& field,
                     const std::string& help);

// A command line of its own, for words that do not come from the program's arguments.
std::shared_ptr<CLI::App> NewCommandLine(const std::string& name);
// Reads words that we have written ourselves: a mistake in them is an exception.
void ParseWords(CLI::App& app, std::vector<std::string> words);
// Reads words as a shell would split them. Returns what is wrong with them.
std::optional<std::string> ParseLine(CLI::App& app, const std::string& line);

// A flag that stood on the command line.
struct GivenFlag {
  std::string name;
  std::string heading;  // of SetHeading()
};
std::vector<GivenFlag> GivenFlags(const CLI::App& command);
bool HasFlag(const CLI::App& command, const std::string& name);

// The tree of commands, for who describes it.
struct CommandWords {
  std::string name;
  std::vector<std::string> flags;  // with their dashes
  std::vector<CommandWords> commands;
};
CommandWords WordsOf(const CLI::App& app);
// The command inside `app`, unless it is hidden; null when there is none.
const CLI::App* FindCommand(const CLI::App& app, const std::string& word);
// What --help prints; `name` is what the user calls it.
std::string HelpText(const CLI::App& command, const std::string& name);

// That `app` has no command `word`, with the nearest one and all there are.
std::string UnknownCommand(const CLI::App& app, const std::string& word);

// What was wrong with the command line, in a sentence with the nearest right word. `app` is the
// program after the parsing that ended in `error`.
std::string UsageSentence(const CLI::App& app, const CLI::ParseError& error);

// That a flag which lacks its value has taken the flag behind it for one. `words` are those that
// `app` has parsed, whether that went well or not; a value behind a = is never meant.
std::optional<std::string> SwallowedFlag(const CLI::App& app, std::span<const char* const> words);

// The first flag that was given an empty value, as a variable that is not set gives it. An empty
// value never means "not given".
std::optional<std::string> EmptyFlag(const CLI::App& app);

}  // namespace weir::cli
