#include <algorithm>
#include <filesystem>
#include <memory>

#include "weir/base/text.h"
#include "weir/cli/flags.h"
#include "weir/cli/input.h"
#include "weir/cli/media.h"
#include "weir/cli/run_call.h"
#include "weir/cli/tools_file.h"

namespace weir::cli {
namespace {

using model::Constraint;

struct CallFlags {
  CommonFlags common;
  std::string system;
  std::string schema_file;
  bool json = false;
  std::optional<std::string> regex;
  std::optional<std::string> choice;
  std::string grammar_file;
  std::string tools_file;
  std::string tool_choice;
  std::vector<std::string> media;
  std::string reasoning = "hide";
  std::string thinking = "auto";
  bool plain = false;
};

Result<std::vector<std::string>> ChoicesOf(std::string_view list) {
  std::vector<std::string> choices;
  for (const std::string_view piece : Split(list, ',')) {
    std::string word(Trim(piece));
    if (word.empty()) {
      return Fail(Code::kConfigError, "--choice has an empty word; write --choice a,b,c");
    }
    if (std::ranges::find(choices, word) != choices.end()) {
      return Fail(Code::kConfigError,
                  StrCat("--choice has '", Truncate(word, 60), "' twice; leave one of them away"));
    }
    choices.push_back(std::move(word));
  }
  return choices;
}

// Who gives the text itself, or @FILE, learns that the path of a file is meant.
Error WithPathHint(Error error, std::string_view flag, const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) {
    StrAppend(error.message, "; ", flag,
              " takes the path of a file, without an @, not what stands in it");
  }
  return error;
}

// Flags that cannot stand together, or not alone.
void CheckTogether(const CallFlags& flags) {
  const int asked = static_cast<int>(!flags.schema_file.empty()) + static_cast<int>(flags.json) +
                    static_cast<int>(flags.regex.has_value()) +
                    static_cast<int>(flags.choice.has_value()) +
                    static_cast<int>(!flags.grammar_file.empty());
  if (asked > 1)
    ThrowUsageError("give only one of --schema, --json, --regex, --choice and --grammar");
  if (flags.tools_file.empty() && !flags.tool_choice.empty())
    ThrowUsageError("--tool-choice needs --tools");
  if (flags.common.form() == Output::kJson && flags.plain)
    ThrowUsageError("--plain is about text; with -o json nothing is rendered: leave it out");
  if (flags.common.form() == Output::kJson && flags.reasoning == "only")
    ThrowUsageError(
        "--reasoning only is about text; -o json always has both, apart from each other: leave it "
        "out");
  const bool prompt_from_stdin = !flags.common.has_prompt || flags.common.with_stdin;
  const auto media_from_stdin = std::ranges::count(flags.media, kStdin);
  if (media_from_stdin > 1 || (media_from_stdin == 1 && prompt_from_stdin)) {
    ThrowUsageError(
        "--media - reads stdin, which can be read once only: give a prompt as an argument");
  }
}

Result<std::optional<Constraint>> ConstraintOf(const CallFlags& flags) {
  Constraint constraint;
  if (!flags.schema_file.empty()) {
    Result<json::Value> schema = ReadSchema(flags.schema_file);
    if (!schema) return Fail(WithPathHint(schema.error(), "--schema", flags.schema_file));
    constraint.schema = *std::move(schema);
  } else if (flags.json) {
    constraint.kind = Constraint::Kind::kJsonObject;
  } else if (flags.regex) {
    constraint.kind = Constraint::Kind::kRegex;
    constraint.text = *flags.regex;
    if (constraint.text.empty()) return Fail(Code::kConfigError, "--regex is empty");
  } else if (flags.choice) {
    constraint.kind = Constraint::Kind::kChoice;
    WEIR_TRY(constraint.choices, ChoicesOf(*flags.choice));
  } else if (!flags.grammar_file.empty()) {
    constraint.kind = Constraint::Kind::kGrammar;
    Result<std::string> text = ReadInput(flags.grammar_file);
    if (!text) return Fail(WithPathHint(text.error(), "--grammar", flags.grammar_file));
    constraint.text = *std::move(text);
  } else {
    return std::optional<Constraint>();
  }
  return std::optional<Constraint>(std::move(constraint));
}

model::ToolChoice ToolChoiceOf(const std::string& word) {
  using Kind = model::ToolChoice::Kind;
  if (word.empty()) return {};
  if (word == "auto") return {.kind = Kind::kAuto, .name = {}};
  if (word == "none") return {.kind = Kind::kNone, .name = {}};
  if (word == "required") return {.kind = Kind::kRequired, .name = {}};
  return {.kind = Kind::kNamed, .name = word};
}

Result<model::Call> CallOf(const CallFlags& flags, const Session& session) {
  model::Call call;
  WEIR_CHECK(FillCall(flags.common, call));
  WEIR_TRY(call.constraint, ConstraintOf(flags));
  if (!flags.tools_file.empty()) {
    WEIR_TRY(call.tools, ReadTools(flags.tools_file));
  }
  if (call.tools.empty() && !flags.tool_choice.empty()) {
    return Fail(
        Code::kConfigError,
        StrCat("--tool-choice has nothing to choose from: ", flags.tools_file, " is empty"));
  }
  call.tool_choice = ToolChoiceOf(flags.tool_choice);
  call.reasoning = ThinkingOf(flags.thinking);
  WEIR_CHECK(CheckUtf8(flags.system, "--system"));
  if (!flags.system.empty()) {
    call.messages.push_back(model::Message::Text(model::Role::kSystem, flags.system));
  }
  WEIR_TRY(std::string prompt, PromptOf(flags.common, session));
  model::Message question = model::Message::Text(model::Role::kUser, std::move(prompt));
  for (const std::string& source : flags.media) {
    WEIR_TRY(model::Part part, MediaPart(source));
    question.parts.push_back(std::move(part));
  }
  call.messages.push_back(std::move(question));
  return call;
}

Result<CallRun> Prepare(const CallFlags& flags, const Session& session) {
  CallRun run;
  run.flags = flags.common;
  WEIR_TRY(run.chosen, EngineOf(flags.common, session));
  WEIR_TRY(run.call, CallOf(flags, session));
  if (flags.reasoning == "show") run.reasoning = ShowReasoning::kShow;
  if (flags.reasoning == "only") run.reasoning = ShowReasoning::kOnly;
  const bool prose = run.flags.form() == Output::kText && !run.call.constraint;
  run.markdown = prose && !flags.plain && session.terminal.out_has_cursor();
  return run;
}

}  // namespace

void AddCallCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<CallFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(app, "call", "Ask a model and print its answer");
  AddCommonFlags(command, flags->common);
  TextFlag(command, "--system", flags->system, "system prompt");
  TextFlag(command, "--schema", flags->schema_file,
           "file with a JSON Schema that the answer is asked for and checked against");
  SwitchFlag(command, "--json", flags->json, "the answer is a JSON object");
  TextFlag(command, "--regex", flags->regex, "pattern of the answer");
  TextFlag(command, "--choice", flags->choice, "the answer is one of these: a,b,c");
  TextFlag(command, "--grammar", flags->grammar_file,
           "file with a grammar of the answer, or - for stdin");
  TextFlag(command, "--tools", flags->tools_file, "file with a JSON list of tools");
  TextFlag(command, "--tool-choice", flags->tool_choice,
           "auto, none, required, or the name of a tool");
  ListFlag(command, "--media", flags->media,
           "image, audio or video: a file, an address, or - for stdin; "
           "may be repeated");
  TextFlag(command, "--reasoning", flags->reasoning,
           "hide it, show it (on stderr), or print only it; -o json always has it")
      .OneOf({"hide", "show", "only"});
  TextFlag(
      command, "--thinking", flags->thinking,
      "auto (what the model does by itself), on, off, or an effort: minimal, low, medium, high")
      .OneOf(ThinkingWords());
  SwitchFlag(command, "--plain", flags->plain,
             "print the answer as it is, also on a terminal, where markdown is rendered");
  OnChosen(command, [flags, &session] {
    CheckTogether(*flags);
    session.run = [flags, &session] {
      const Result<CallRun> run = Prepare(*flags, session);
      if (run) return RunCall(session, *run);
      return Refuse(session, flags->common, run.error());
    };
  });
}

}  // namespace weir::cli
