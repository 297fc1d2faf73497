#include <csignal>
#include <filesystem>
#include <memory>

#include "weir/async/signals.h"
#include "weir/base/text.h"
#include "weir/cli/attach.h"
#include "weir/cli/chat_verbs.h"
#include "weir/cli/chat_watch.h"
#include "weir/cli/flags.h"
#include "weir/cli/line_editor.h"
#include "weir/cli/tools_file.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

struct ChatFlags {
  TalkOptions talk;
  ChatSession chat;
  std::string file;  // --session
  std::string tools_file;
  std::string schema_file;
};

// Better said at the start than after the first answer.
Result<void> CheckFolderOf(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  std::error_code failed;
  if (folder.empty() || std::filesystem::is_directory(folder, failed)) return {};
  return Fail(Code::kConfigError, StrCat("--session ", file, ": there is no folder ",
                                         folder.string(), "; make it first"));
}

// A session that is there goes on, with what the flags say on top of it.
Result<ChatSession> Begin(const ChatFlags& flags) {
  ChatSession chat = flags.chat;
  if (!flags.tools_file.empty()) {
    WEIR_TRY(chat.tools, ReadTools(flags.tools_file));
  }
  if (!flags.schema_file.empty()) {
    WEIR_TRY(chat.schema, ReadSchema(flags.schema_file));
  }
  chat.engine = flags.talk.flags.engine;
  chat.model = flags.talk.flags.model;
  chat.adapter = flags.talk.flags.adapter;
  if (flags.file.empty()) return chat;
  WEIR_TRY(const std::optional<std::string> text, store::ReadFile(flags.file, kChatSessionBytes));
  if (!text) {
    WEIR_CHECK(CheckFolderOf(flags.file));
    return chat;
  }
  WEIR_TRY(ChatSession saved, ReadChatSession(*text, flags.file));
  const auto prefer = [](std::string& kept, const std::string& given) {
    if (!given.empty()) kept = given;
  };
  prefer(saved.engine, chat.engine);
  prefer(saved.model, chat.model);
  prefer(saved.adapter, chat.adapter);
  prefer(saved.system, chat.system);
  if (chat.thinking != "auto") saved.thinking = chat.thinking;
  saved.show_thinking = saved.show_thinking || chat.show_thinking;
  if (chat.sampling.temperature) saved.sampling.temperature = chat.sampling.temperature;
  if (chat.sampling.max_tokens) saved.sampling.max_tokens = chat.sampling.max_tokens;
  if (!chat.tools.empty()) saved.tools = std::move(chat.tools);
  if (!chat.schema.IsNull()) saved.schema = std::move(chat.schema);
  return saved;
}

class Conversation {
 public:
  Conversation(Session& session, async::Loop& loop, Talk& talk, const ChatFlags& flags)
      : session_(session),
        talk_(talk),
        watch_(session, loop, talk),
        file_(flags.file),
        saves_(!flags.file.empty()),
        person_(session.terminal.in_is_terminal()) {}

  // Until the input is over.
  void Run() {
    const std::unique_ptr<LineSource> lines = OpenLines();
    Welcome();
    bool asked_to_end = false;  // by Ctrl-C at an empty prompt
    for (;;) {
      const TypedLine line = lines->Next(Prompt());
      if (line.end == TypedLine::End::kOver) return;
      const bool empty = Trim(line.text).empty();
      if (line.end == TypedLine::End::kInterrupt) {
        if (empty && asked_to_end) return;
        asked_to_end = empty;
        if (empty) session_.terminal.Note("Ctrl-C again, or Ctrl-D, ends");
        continue;
      }
      asked_to_end = false;
      if (empty) continue;
      if (!Turn(line.text) || session_.terminal.out_error()) return;
    }
  }

 private:
  std::unique_ptr<LineSource> OpenLines() {
    if (!person_) return NewPipedLines();
    return NewLineEditor({.history_file = HistoryFile(session_.env),
                          .completions = ChatCommandNames(),
                          .to_stderr = !session_.terminal.out_is_terminal()});
  }

  void Welcome() {
    if (!person_) return;
    const std::string model = talk_.model_name();
    session_.terminal.Note(StrCat("talking to ", talk_.engine_name(), model.empty() ? "" : ", ",
                                  model, "; /help helps, Ctrl-D ends"));
    if (talk_.chat.messages.empty()) return;
    session_.terminal.Note(
        StrCat("going on after ", talk_.chat.messages.size(), " messages of ", file_));
  }

  std::string Prompt() const {
    if (const model::ToolCall* call = talk_.OpenCall())
      return StrCat("result of ", call->name, "> ");
    return session_.terminal.out_has_colour() ? "\1\033[1m\1> \1\033[0m\1" : "> ";
  }

  // False: the person is done.
  bool Turn(const std::string& line) {
    watch_.Look();
    Result<void> done;
    if (IsChatCommand(line)) {
      const Result<ChatCommand> command = ParseChatCommand(line);
      if (command && command->verb == ChatVerb::kQuit) return false;
      done = command ? ChatVerbs{session_, talk_, file_}.Do(*command)
                     : Result<void>(std::unexpected<Error>(command.error()));
    } else {
      done = Say(line.starts_with("//") ? line.substr(1) : line);
    }
    // That it was stopped was said when it was, and that stdout failed is said at the end.
    const bool told =
        session_.terminal.out_error() || (!done && done.error().code == Code::kCancelled);
    if (!done && !told) session_.terminal.Problem(done.error());
    if (saves_) AutoSave();
    watch_.Rest();
    return true;
  }

  Result<void> Say(const std::string& text) {
    if (talk_.OpenCall() != nullptr) {
      return talk_.Say(model::Message::Text(model::Role::kTool, text));
    }
    WEIR_TRY(model::Message message, MessageOf(text));
    return talk_.Say(std::move(message));
  }

  void AutoSave() {
    const Result<void> saved = SaveChatSession(file_, talk_.chat);
    if (!saved)
      session_.terminal.Warn(StrCat("not saved: ", saved.error().message,
                                    saved.error().cause.empty() ? "" : " [", saved.error().cause,
                                    saved.error().cause.empty() ? "" : "]"));
  }

  Session& session_;
  Talk& talk_;
  ChatWatch watch_;
  std::string file_;
  const bool saves_;
  const bool person_;
};

int RunChat(Session& session, const ChatFlags& flags) {
  const auto refuse = [&](const Error& error) { return Refuse(session, flags.talk.flags, error); };
  Result<ChatSession> chat = Begin(flags);
  if (!chat) return refuse(chat.error());
  for (const model::Sampling& sampling : {chat->sampling, flags.talk.flags.sampling}) {
    const Result<void> possible = sampling.Validate();
    if (!possible) return refuse(possible.error());
    if (sampling.max_tokens && *sampling.max_tokens < 1) {
      return refuse({.code = Code::kInvalidRequest, .message = "--max-tokens must be at least 1"});
    }
  }
  const std::string engine = chat->engine;
  const bool person = session.terminal.in_is_terminal();
  TalkOptions options = flags.talk;
  options.show_cost = person;

  async::Loop loop;  // outlives the connections
  Talk talk(session, loop, std::move(options), *std::move(chat));
  if (const Result<void> ready = talk.UseEngine(engine); !ready) return refuse(ready.error());
  // A second Ctrl-C for one answer, or one that comes before the line editor is there, ends
  // nothing.
  std::optional<async::SignalWatch> ignored;
  if (person) ignored.emplace(loop, std::initializer_list<int>{SIGINT}, [](int) {});
  Conversation(session, loop, talk, flags).Run();
  talk.Finish();
  return kExitOk;
}

void AddSamplingFlags(CLI::App& command, ChatFlags& flags) {
  model::Sampling& kept = flags.chat.sampling;
  model::Sampling& sampling = flags.talk.flags.sampling;
  NumberFlag(command, "--temperature", kept.temperature, "0 (greedy) to 2");
  NumberFlag(command, "--max-tokens", kept.max_tokens, "most tokens of an answer");
  NumberFlag(command, "--top-p", sampling.top_p, "nucleus, above 0 up to 1");
  NumberFlag(command, "--top-k", sampling.top_k, "best k tokens only; 0: all");
  NumberFlag(command, "--seed", sampling.seed, "seed of the sampling");
}

}  // namespace

void AddChatCommand(CLI::App& app, Session& session) {
  auto flags = std::make_shared<ChatFlags>();  // shared by what the command keeps
  CLI::App& command = AddCommand(app, "chat", "Talk with a model; /help there lists commands");
  CommonFlags& common = flags->talk.flags;
  TextFlag(command, "-e,--engine", common.engine,
           "engine of the configuration, 'sim', or an address; default: the "
           "configuration's, or http://localhost:8000");
  TextFlag(command, "--provider", flags->talk.provider,
           "kind of the server, at its usual address unless -e gives one: vllm "
           "(localhost:8000), ollama (localhost:11434), openai, sim")
      .OneOf({"vllm", "openai", "ollama", "sim"});
  TextFlag(command, "-m,--model", common.model, "model; default: the engine's");
  TextFlag(command, "--adapter", common.adapter, "LoRA adapter to use");
  TextFlag(command, "--system", flags->chat.system, "system prompt");
  TextFlag(command, "--session", flags->file,
           "go on with this saved session, if it is there, and save it after each turn");
  TextFlag(command, "--thinking", flags->chat.thinking,
           "auto, on, off, or an effort: minimal, low, medium, high")
      .OneOf({"auto", "on", "off", "minimal", "low", "medium", "high"});
  SwitchFlag(command, "--show-reasoning", flags->chat.show_thinking, "show what the model thinks");
  TextFlag(command, "--tools", flags->tools_file, "file with a JSON list of tools");
  TextFlag(command, "--schema", flags->schema_file, "file with a JSON Schema of the answers");
  SwitchFlag(command, "--plain", flags->talk.plain, "answers as they are, without markdown");
  NumberFlag(command, "--timeout", common.timeout, "seconds for each answer (the clock `total`)");
  SwitchFlag(command, "-v,--verbose", common.verbose, "say what answers cost in a pipe too");
  TextFlag(command, "--events", common.events_file, "append events and spans to this file");
  AddSamplingFlags(command, *flags);
  SetRun(command, session, [flags, &session] { return RunChat(session, *flags); });
}

}  // namespace weir::cli
