#include "weir/cli/chat_commands.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::cli {
namespace {

enum class Argument : std::uint8_t { kNone, kMay, kMust };

struct Entry {
  ChatVerb verb;
  std::string_view name;
  Argument takes;
  std::string_view argument;
  std::string_view help;
};

constexpr Entry kEntries[] = {
    {ChatVerb::kHelp, "help", Argument::kNone, "", "this list"},
    {ChatVerb::kModel, "model", Argument::kMay, "[NAME]",
     "answer with this model; without a name: what there is"},
    {ChatVerb::kEngine, "engine", Argument::kMay, "[NAME]",
     "ask this engine, or an address; without one: list them"},
    {ChatVerb::kSystem, "system", Argument::kMay, "[TEXT|off]", "the system prompt"},
    {ChatVerb::kAdapter, "adapter", Argument::kMay, "[NAME|off]", "the LoRA adapter"},
    {ChatVerb::kTemperature, "temperature", Argument::kMay, "[X|off]",
     "0 (greedy) to 2; off: the engine's"},
    {ChatVerb::kThinking, "thinking", Argument::kMay, "[WORD]",
     "show, hide; on, off, minimal, low, medium, high; auto"},
    {ChatVerb::kTools, "tools", Argument::kMay, "[FILE|off]",
     "offer the tools of a JSON list; you type what they give"},
    {ChatVerb::kSchema, "schema", Argument::kMay, "[FILE|off]",
     "answers fit this JSON Schema and are checked"},
    {ChatVerb::kSave, "save", Argument::kMay, "[FILE]", "save the session; without a name: again"},
    {ChatVerb::kLoad, "load", Argument::kMust, "FILE", "go on with a saved session"},
    {ChatVerb::kClear, "clear", Argument::kNone, "", "forget what was said; settings stay"},
    {ChatVerb::kCompact, "compact", Argument::kNone, "",
     "let the model sum up what was said, and go on from that"},
    {ChatVerb::kRetry, "retry", Argument::kNone, "", "drop the last answer and ask again"},
    {ChatVerb::kUsage, "usage", Argument::kNone, "", "what this conversation cost"},
    {ChatVerb::kQuit, "quit", Argument::kNone, "", "end; so do /exit and Ctrl-D"},
};

const Entry* Find(std::string_view name) {
  if (name == "exit") name = "quit";
  const auto* const found = std::ranges::find(kEntries, name, &Entry::name);
  return found == std::end(kEntries) ? nullptr : found;
}

}  // namespace

bool IsChatCommand(std::string_view line) {
  if (!line.starts_with('/') || line.size() < 2) return false;
  const std::string_view word = line.substr(1, line.find_first_of(" \t\n") - 1);
  return !word.empty() && !word.contains('/');
}

Result<ChatCommand> ParseChatCommand(std::string_view line) {
  line = Trim(line);
  const std::size_t end = std::min(line.find_first_of(" \t\n"), line.size());
  const std::string_view word = line.substr(1, end - 1);
  const Entry* entry = Find(word);
  if (entry == nullptr) {
    std::vector<std::string> names;
    for (const Entry& known : kEntries) names.emplace_back(known.name);
    const std::optional<std::string> nearest = Nearest(word, names);
    return Fail(Code::kConfigError,
                StrCat("there is no command /", Truncate(word, 40),
                       nearest ? StrCat("; is /", *nearest, " meant? ") : "; ",
                       "/help lists them; a text that begins with a slash is sent with two"));
  }
  ChatCommand command{.verb = entry->verb, .argument = std::string(Trim(line.substr(end)))};
  if (entry->takes == Argument::kMust && command.argument.empty()) {
    return Fail(Code::kConfigError, StrCat("/", entry->name, " needs ", entry->argument));
  }
  if (entry->takes == Argument::kNone && !command.argument.empty()) {
    return Fail(Code::kConfigError, StrCat("/", entry->name, " takes nothing behind it"));
  }
  return command;
}

std::vector<std::string> ChatCommandNames() {
  std::vector<std::string> names;
  for (const Entry& entry : kEntries) names.push_back(StrCat("/", entry.name));
  return names;
}

std::string ChatHelp() {
  std::string text;
  for (const Entry& entry : kEntries) {
    std::string left = StrCat("/", entry.name, entry.argument.empty() ? "" : " ", entry.argument);
    left.resize(std::max(left.size(), std::size_t{22}), ' ');
    StrAppend(text, "  ", left, entry.help, "\n");
  }
  return text +
         "\n"
         "  @FILE                 attach a picture or a text; @\"a b.txt\" with blanks\n"
         "  \\ at the end, Alt-Enter, or pasting several lines: a message of several lines\n"
         "  Ctrl-C                stop the answer or clear the line; twice: end\n";
}

}  // namespace weir::cli
