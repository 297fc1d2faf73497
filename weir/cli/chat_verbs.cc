#include "weir/cli/chat_verbs.h"

#include <algorithm>
#include <chrono>

#include "weir/base/text.h"
#include "weir/cli/tools_file.h"
#include "weir/model/model_names.h"

namespace weir::cli {
namespace {

constexpr std::string_view kOff = "off";
// For what is good to know and may stay unsaid: nobody waits for a server that is silent.
constexpr Duration kShortLook = std::chrono::seconds(2);

bool IsThinkingWord(const std::string& word) {
  const std::vector<std::string> words = ThinkingWords();
  return std::ranges::find(words, word) != words.end();
}

}  // namespace

Result<void> ChatVerbs::Do(const ChatCommand& command) {
  const std::string& argument = command.argument;
  const Terminal& terminal = session.terminal;
  switch (command.verb) {
    case ChatVerb::kHelp:
      terminal.Raw(ChatHelp());
      return {};
    case ChatVerb::kModel:
      return SetModel(argument);
    case ChatVerb::kEngine:
      return SetEngine(argument);
    case ChatVerb::kSystem:
      SetText(talk.chat.system, "system prompt", argument);
      return {};
    case ChatVerb::kAdapter:
      SetText(talk.chat.adapter, "adapter", argument);
      return {};
    case ChatVerb::kTemperature:
      return SetTemperature(argument);
    case ChatVerb::kThinking:
      return SetThinking(argument);
    case ChatVerb::kTools:
      return SetTools(argument);
    case ChatVerb::kSchema:
      return SetSchema(argument);
    case ChatVerb::kSave:
      return Save(argument);
    case ChatVerb::kLoad:
      return Load(argument);
    case ChatVerb::kClear:
      terminal.Note(StrCat("forgot ", talk.chat.messages.size(), " messages"));
      talk.chat.messages.clear();
      return {};
    case ChatVerb::kCompact: {
      WEIR_TRY(const std::string said, talk.Compact());
      terminal.Note(said);
      return {};
    }
    case ChatVerb::kRetry:
      return talk.Retry();
    case ChatVerb::kUsage:
      TellUsage();
      return {};
    case ChatVerb::kQuit:
      return {};
  }
  return {};
}

void ChatVerbs::SetText(std::string& text, std::string_view name, const std::string& argument) {
  if (!argument.empty()) text = argument == kOff ? "" : argument;
  session.terminal.Note(text.empty() ? StrCat("no ", name) : StrCat(name, ": ", text));
}

Result<void> ChatVerbs::SetModel(const std::string& name) {
  if (!name.empty()) {
    talk.chat.model = name;
    session.terminal.Note(StrCat("model: ", name));
    const Result<model::EngineInfo> info = talk.Describe(kShortLook);
    if (info && model::Lacks(*info, name)) {
      session.terminal.Warn(StrCat(talk.engine_name(), " does not list a model ", name,
                                   "; /model without a name says what there is"));
    }
    return {};
  }
  const std::string now = talk.model_name();
  session.terminal.Note(StrCat("model: ", now.empty() ? "the server's own" : now));
  WEIR_TRY(const model::EngineInfo info, talk.Describe());
  for (const model::ModelEntry& model : info.models) {
    session.terminal.Raw(StrCat("  ", model.id, model.parent.empty() ? "" : "  (adapter of ",
                                model.parent, model.parent.empty() ? "\n" : ")\n"));
  }
  return {};
}

Result<void> ChatVerbs::SetEngine(const std::string& name) {
  if (name.empty()) {
    session.terminal.Note(
        StrCat("engine: ", talk.engine_name(), "; the configuration has ", talk.Names()));
    return {};
  }
  WEIR_CHECK(talk.UseEngine(name));
  // A model of the engine before is not one of this.
  talk.chat.model.clear();
  talk.chat.adapter.clear();
  session.terminal.Note(StrCat("engine: ", talk.engine_name()));
  return {};
}

Result<void> ChatVerbs::SetTemperature(const std::string& number) {
  std::optional<double>& temperature = talk.chat.sampling.temperature;
  if (number == kOff) {
    temperature.reset();
  } else if (!number.empty()) {
    model::Sampling trial;
    trial.temperature = ParseDouble(number);
    if (!trial.temperature) {
      return Fail(Code::kConfigError, StrCat("/temperature wants a number, got '", number, "'"));
    }
    WEIR_CHECK(trial.Validate());
    temperature = trial.temperature;
  }
  session.terminal.Note(temperature ? StrCat("temperature: ", *temperature)
                                    : "temperature: the engine's");
  return {};
}

Result<void> ChatVerbs::SetThinking(const std::string& word) {
  ChatSession& chat = talk.chat;
  if (word == "show" || word == "hide") {
    chat.show_thinking = word == "show";
  } else if (IsThinkingWord(word)) {
    chat.thinking = word;
  } else if (!word.empty()) {
    return Fail(Code::kConfigError, StrCat("/thinking knows show, hide, auto, on, off, minimal, "
                                           "low, medium and high, but not '",
                                           Truncate(word, 40), "'"));
  }
  session.terminal.Note(
      StrCat("thinking: ", chat.thinking, ", ", chat.show_thinking ? "shown" : "hidden"));
  return {};
}

Result<void> ChatVerbs::SetTools(const std::string& path) {
  if (path == kOff) {
    talk.chat.tools.clear();
  } else if (!path.empty()) {
    WEIR_TRY(talk.chat.tools, ReadTools(path));
  }
  std::vector<std::string> names;
  names.reserve(talk.chat.tools.size());
  for (const model::ToolSpec& tool : talk.chat.tools) names.push_back(tool.name);
  session.terminal.Note(names.empty() ? "no tools" : StrCat("tools: ", Join(names, ", ")));
  return {};
}

Result<void> ChatVerbs::SetSchema(const std::string& path) {
  if (path == kOff) {
    talk.chat.schema = {};
  } else if (!path.empty()) {
    WEIR_TRY(talk.chat.schema, ReadSchema(path));
  }
  session.terminal.Note(talk.chat.schema.IsNull() ? "no schema"
                                                  : "answers fit the schema and are checked");
  return {};
}

Result<void> ChatVerbs::Save(const std::string& path) {
  if (path.empty() && file.empty()) {
    return Fail(Code::kConfigError, "give a name: /save FILE");
  }
  const std::string target = path.empty() ? file : path;
  WEIR_CHECK(SaveChatSession(target, talk.chat));
  file = target;
  session.terminal.Note(StrCat("saved ", talk.chat.messages.size(), " messages in ", file));
  return {};
}

Result<void> ChatVerbs::Load(const std::string& path) {
  WEIR_TRY(ChatSession chat, LoadChatSession(path));
  WEIR_CHECK(talk.Resume(std::move(chat)));
  file = path;
  session.terminal.Note(StrCat("loaded ", talk.chat.messages.size(), " messages from ", path,
                               "; engine: ", talk.engine_name()));
  return {};
}

void ChatVerbs::TellUsage() {
  const ChatTotals& totals = talk.chat.totals;
  std::string line = StrCat(totals.answers, " answers, ", totals.prompt_tokens, " + ",
                            totals.completion_tokens, " tokens");
  if (totals.cached_tokens > 0) StrAppend(line, " (", totals.cached_tokens, " cached)");
  if (totals.cost && totals.unpriced == 0) {
    StrAppend(line, ", cost ", *totals.cost);
  } else if (totals.cost) {
    StrAppend(line, ", cost unknown: ", *totals.cost, " and that of ", totals.unpriced,
              totals.unpriced == 1 ? " answer" : " answers", " without a known price");
  }
  session.terminal.Note(StrCat(line, "; ", talk.chat.messages.size(), " messages are remembered"));
}

}  // namespace weir::cli
