#include "weir/cli/talk.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <termios.h>
#include <unistd.h>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/cli/answer.h"
#include "weir/cli/markdown/rows.h"
#include "weir/client/proxy_advice.h"

namespace weir::cli {
namespace {

using model::Role;

constexpr std::string_view kSumUp =
    "Sum up our conversation so far, for yourself: it will be all that you remember of it. Keep "
    "facts, names, numbers, decisions, open questions and what I want. Write only the summary.";
constexpr std::string_view kSummaryQuestion = "What have we talked about so far?";

struct Provider {
  std::string_view name;
  config::Kind kind;
  std::string_view address;
};

constexpr std::array<Provider, 4> kProviders = {{
    {"vllm", config::Kind::kVllm, "http://localhost:8000"},
    {"openai", config::Kind::kOpenAi, "https://api.openai.com/v1"},
    {"ollama", config::Kind::kOllama, "http://localhost:11434"},
    {"sim", config::Kind::kSim, "sim"},
}};

// While it lives, what is typed is not echoed into the answer; it waits for the next prompt.
class Quiet {
 public:
  Quiet() : is_terminal_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
    if (!is_terminal_) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  ~Quiet() {
    if (is_terminal_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  termios before_{};
  const bool is_terminal_;
};

// What a session keeps stands above the flags.
model::Sampling SamplingOf(const model::Sampling& flags, const model::Sampling& kept) {
  model::Sampling sampling = flags;
  if (kept.temperature) sampling.temperature = kept.temperature;
  if (kept.top_p) sampling.top_p = kept.top_p;
  if (kept.top_k) sampling.top_k = kept.top_k;
  if (kept.max_tokens) sampling.max_tokens = kept.max_tokens;
  if (kept.seed) sampling.seed = kept.seed;
  if (!kept.stop.empty()) sampling.stop = kept.stop;
  return sampling;
}

bool HasWords(const model::Reply& reply) {
  return !reply.choices.empty() &&
         !(reply.choices.front().text.empty() && reply.choices.front().refusal.empty());
}

// An answer that the server ended before it began. One whose tokens went into thoughts is none.
bool IsWithheld(const model::Reply& reply) {
  return !HasWords(reply) && !reply.choices.empty() &&
         reply.choices.front().finish != model::Finish::kLength &&
         reply.choices.front().tool_calls.empty();
}

std::string Rate(double tokens, double seconds) {
  const auto tenths = std::llround(tokens / seconds * 10);
  if (tenths >= 1000) return StrCat(tenths / 10);
  return StrCat(tenths / 10, ".", tenths % 10);
}

}  // namespace

Talk::Talk(Session& session, async::Loop& loop, TalkOptions options, ChatSession its_chat)
    : chat(std::move(its_chat)), session_(session), loop_(loop), options_(std::move(options)) {}

Result<ChosenEngine> Talk::Choose(const std::string& name) const {
  CommonFlags flags = options_.flags;
  flags.engine = name;
  const auto* const provider = std::ranges::find(kProviders, options_.provider, &Provider::name);
  if (provider == kProviders.end()) return EngineOf(flags, session_);
  if (name.empty()) {
    WEIR_TRY(const config::Config config, config::Load(session_.config_file, session_.env));
    const auto fits =
        std::ranges::find(config.engines, provider->kind, &config::EngineConfig::kind);
    flags.engine = fits != config.engines.end() ? fits->name : std::string(provider->address);
  }
  WEIR_TRY(ChosenEngine chosen, EngineOf(flags, session_));
  if (chosen.config.Find(chosen.engine.name) == nullptr) chosen.engine.kind = provider->kind;
  return chosen;
}

Result<void> Talk::UseEngine(const std::string& name) {
  WEIR_TRY(ChosenEngine chosen, Choose(name));
  if (!listeners_) {
    WEIR_TRY(listeners_,
             Listeners::Open(loop_, chosen.config.events, options_.flags.events_file, session_));
  }
  Work work(loop_, session_.terminal, listeners_->sinks());
  const async::Context ctx = work.NewContext({});
  WEIR_TRY(LiveEngine live, LiveEngine::Open(loop_, ctx, chosen, session_.env));
  if (live_) live_->Close(loop_, ctx);
  live_.emplace(std::move(live));
  chosen_ = std::move(chosen);
  chat.engine = name;
  return {};
}

Result<void> Talk::Resume(ChatSession saved) {
  WEIR_CHECK(UseEngine(saved.engine));
  chat = std::move(saved);
  unanswered_.reset();
  return {};
}

std::string Talk::model_name() const {
  if (!chat.adapter.empty()) return chat.adapter;
  return chat.model.empty() ? chosen_.engine.http.model : chat.model;
}

std::string Talk::Names() const {
  std::vector<std::string> names;
  names.reserve(chosen_.config.engines.size());
  for (const config::EngineConfig& engine : chosen_.config.engines) names.push_back(engine.name);
  return Join(names, ", ");
}

Result<model::EngineInfo> Talk::Describe(std::optional<Duration> limit) {
  Work work(loop_, session_.terminal, listeners_->sinks());
  const async::Context ctx =
      work.NewContext(limit.value_or(chosen_.engine.http.upstream.timeouts.total));
  return loop_.Run(live_->engine().Describe(ctx));
}

void Talk::Finish() {
  if (!listeners_) return;
  if (live_) {
    Work work(loop_, session_.terminal, listeners_->sinks());
    live_->Close(loop_, work.NewContext({}));
  }
  listeners_->Finish(session_.terminal);
}

CallRun Talk::NewRun() const {
  CallRun run;
  run.flags = options_.flags;
  run.chosen = chosen_;
  run.reasoning = chat.show_thinking ? ShowReasoning::kShow : ShowReasoning::kHide;
  run.call.sampling = SamplingOf(options_.flags.sampling, chat.sampling);
  run.call.model = chat.model;
  run.call.adapter = chat.adapter;
  run.call.tools = chat.tools;
  run.call.reasoning = ThinkingOf(chat.thinking);
  if (!chat.schema.IsNull()) {
    run.call.constraint.emplace();
    run.call.constraint->schema = chat.schema;
    run.call.buffer = true;
  }
  if (!chat.system.empty()) {
    run.call.messages.push_back(model::Message::Text(Role::kSystem, chat.system));
  }
  for (const ChatMessage& entry : chat.messages) run.call.messages.push_back(entry.message);
  run.markdown = !options_.plain && !run.call.constraint && session_.terminal.out_has_cursor();
  return run;
}

Outcome Talk::AskModel(const CallRun& run, ReplyPrinter& printer) {
  const Quiet quiet;
  ForgetSignals();
  Outcome outcome;
  {
    Work work(loop_, session_.terminal, listeners_->sinks());
    outcome = Ask(loop_, work, live_->engine(), run, printer);
  }
  ForgetSignals();
  if (outcome.error) {
    outcome.error = WithAdvice(*std::move(outcome.error), chosen_, session_);
  }
  return outcome;
}

// A Ctrl-C that came between two answers is not for the next one; and a watch that has ended gives
// its signals back when the loop runs.
void Talk::ForgetSignals() {
  (void)loop_.Run(async::Sleep(async::Context(loop_), std::chrono::milliseconds(1)));
}

Result<void> Talk::Say(model::Message question) {
  if (const model::ToolCall* call = OpenCall()) {
    question.role = Role::kTool;
    question.tool_call_id = call->id;
    question.name = call->name;
  }
  unanswered_.reset();
  chat.messages.push_back({.message = std::move(question)});
  if (OpenCall() != nullptr) return {};  // the other calls want their results first
  return AskForAnswer();
}

Result<void> Talk::Retry() {
  if (unanswered_) {
    chat.messages.push_back(*std::exchange(unanswered_, std::nullopt));
    return AskForAnswer();
  }
  if (chat.messages.size() < 2 || chat.messages.back().message.role != Role::kAssistant) {
    return Fail(Code::kConfigError, "there is no answer yet that could be asked for again");
  }
  const ChatMessage answer = std::move(chat.messages.back());
  const ChatMessage question = *(chat.messages.end() - 2);
  chat.messages.pop_back();
  Result<void> answered = AskForAnswer();
  if (answered) return {};
  chat.messages.push_back(question);
  chat.messages.push_back(answer);
  unanswered_.reset();
  session_.terminal.Note("the answer before stays");
  return answered;
}

Result<void> Talk::AskForAnswer() {
  const CallRun run = NewRun();
  ReplyPrinter printer(session_.terminal, run, !run.call.buffer);
  const Outcome outcome = AskModel(run, printer);
  printer.EndLines();
  TellAbout(session_.terminal, run, outcome.reply.info);
  std::optional<Error> error = outcome.error;
  printer.Finish(outcome.reply, error);
  if (session_.terminal.out_error()) return std::unexpected<Error>(*session_.terminal.out_error());
  return Record(run, outcome);
}

Result<void> Talk::Record(const CallRun& run, const Outcome& outcome) {
  const Terminal& terminal = session_.terminal;
  std::optional<Error> error = outcome.error;
  const bool stopped = error && error->code == Code::kCancelled;
  const bool came = HasWords(outcome.reply);
  const Result<void> whole = error ? Result<void>() : CheckAnswer(run, outcome.reply);
  if (!whole && IsWithheld(outcome.reply)) error = whole.error();
  if (error && !(stopped && came)) {
    unanswered_ = std::move(chat.messages.back());
    chat.messages.pop_back();
    if (!stopped) return std::unexpected<Error>(*error);
    const bool thought =
        !outcome.reply.choices.empty() && !outcome.reply.choices.front().reasoning.empty();
    terminal.Note(
        StrCat(thought ? "stopped while the model was thinking" : "stopped before anything came",
               "; the question is forgotten, /retry asks it again"));
    return std::unexpected<Error>(*error);
  }
  if (!whole) terminal.Warn(whole.error().message);
  ChatMessage answer{.message = {.role = Role::kAssistant}, .partial = stopped};
  if (!outcome.reply.choices.empty()) {
    const model::Choice& choice = outcome.reply.choices.front();
    const std::string& text = choice.text.empty() ? choice.refusal : choice.text;
    if (!text.empty()) answer.message.parts.push_back({.text = text});
    answer.message.reasoning = choice.reasoning;
    if (!stopped) answer.message.tool_calls = choice.tool_calls;
  }
  chat.messages.push_back(std::move(answer));
  chat.totals.Add(outcome.reply.usage, outcome.reply.info.cost);
  if (stopped) terminal.Note("stopped; what came is kept");
  if (options_.show_cost || run.flags.verbose) TellCost(outcome.reply);
  return {};
}

void Talk::TellCost(const model::Reply& reply) const {
  const model::Usage& usage = reply.usage;
  std::string line;
  if (usage.prompt_tokens && usage.completion_tokens) {
    line = StrCat(*usage.prompt_tokens, " + ", *usage.completion_tokens, " tokens · ");
    const std::chrono::duration<double> writing = reply.info.total - reply.info.first_token;
    if (*usage.completion_tokens > 1 && writing.count() > 0) {
      StrAppend(line, Rate(static_cast<double>(*usage.completion_tokens - 1), writing.count()),
                " tokens/s · ");
    }
  }
  const auto millis = [](std::chrono::nanoseconds time) {
    return FormatMillis(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  if (reply.info.first_token.count() > 0) {
    StrAppend(line, "first after ", millis(reply.info.first_token), " · ");
  }
  StrAppend(line, millis(reply.info.total), "\n");
  if (!session_.terminal.err_has_colour()) return session_.terminal.Raw(line);
  std::string dim;
  AppendStyled(dim, line, kFaint);
  session_.terminal.Raw(dim);
}

Result<std::string> Talk::Compact() {
  if (chat.messages.size() < 2) {
    return Fail(Code::kConfigError, "there is nothing yet to sum up");
  }
  if (OpenCall() != nullptr) {
    return Fail(Code::kConfigError, "a tool call waits for its result; give it, or /retry, first");
  }
  CallRun run = NewRun();
  run.call.constraint.reset();
  run.call.buffer = false;
  run.call.tools.clear();
  run.markdown = false;
  run.call.messages.push_back(model::Message::Text(Role::kUser, std::string(kSumUp)));
  ReplyPrinter silent(session_.terminal, run, false);
  const Outcome outcome = AskModel(run, silent);
  if (outcome.error) return std::unexpected<Error>(*outcome.error);
  WEIR_CHECK(CheckAnswer(run, outcome.reply));
  if (Trim(outcome.reply.text()).empty()) {
    return Fail(Code::kEmptyModelResponse, "the model wrote no summary; all stays as it was");
  }
  const std::size_t before = chat.messages.size();
  chat.messages.clear();
  for (const auto& [role, text] : {std::pair(Role::kUser, std::string(kSummaryQuestion)),
                                   std::pair(Role::kAssistant, outcome.reply.text())}) {
    chat.messages.push_back({.message = model::Message::Text(role, text)});
  }
  const model::Usage& usage = outcome.reply.usage;
  chat.totals.Add(usage, outcome.reply.info.cost);
  std::string said = StrCat(before, " messages became a summary");
  if (usage.prompt_tokens && usage.completion_tokens) {
    StrAppend(said, ": ", *usage.prompt_tokens, " tokens became ", *usage.completion_tokens);
  }
  return said;
}

const model::ToolCall* Talk::OpenCall() const {
  std::size_t results = 0;
  for (auto entry = chat.messages.rbegin(); entry != chat.messages.rend(); ++entry) {
    if (entry->message.role == Role::kTool) {
      ++results;
      continue;
    }
    const std::vector<model::ToolCall>& calls = entry->message.tool_calls;
    return results < calls.size() ? &calls[results] : nullptr;
  }
  return nullptr;
}

}  // namespace weir::cli
