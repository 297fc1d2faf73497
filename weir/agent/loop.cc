#include "weir/agent/loop.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "weir/agent/arguments.h"
#include "weir/agent/compact.h"
#include "weir/agent/conversation.h"
#include "weir/agent/text_calls.h"
#include "weir/agent/tool_round.h"
#include "weir/agent/turn.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/json/lenient.h"

namespace weir::agent {
namespace {

using model::Finish;
using model::Message;
using model::Role;

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kFirst:
      return "first";
    case Phase::kLoop:
      return "loop";
    case Phase::kLast:
      return "final";
  }
  std::unreachable();
}

class Worker {
 public:
  Worker(model::Engine& engine, const Agent& agent, Toolbox& toolbox, const Job& job)
      : engine_(engine),
        agent_(agent),
        toolbox_(toolbox),
        job_(job),
        call_(job.call),
        head_(job.call.messages.size()) {}

  async::Task<WorkResult> Run(async::Context ctx) {
    if (job_.checkpoint != nullptr) Resume(job_.checkpoint->begun());
    Start(ctx);
    start_ = ctx.Now();
    Result<json::Value> submission = co_await Loop(ctx);
    const TimePoint end = Limited(ctx).deadline;
    if (!submission && !ctx.cancelled() && end < ctx.deadline && ctx.Now() >= end) {
      submission = Fail(TooLate());
    }
    End(ctx, submission, ctx.Now() - start_);
    co_return WorkResult{.submission = std::move(submission),
                         .figures = std::move(figures_),
                         .messages = std::move(call_.messages),
                         .repairs = std::move(repairs_)};
  }

 private:
  enum class Step : std::uint8_t { kOn, kDone };

  // With the clock of the work, which has stood while a person was asked.
  async::Context Limited(async::Context ctx) const {
    const TimePoint end = After(After(start_, agent_.timeout), waited_);
    if (agent_.timeout > Duration::zero() && end < ctx.deadline) {
      ctx.deadline = end;
      ctx.total = agent_.timeout;
    }
    return ctx;
  }

  void Resume(const Begun& begun) {
    call_.messages.insert(call_.messages.end(), begun.messages.begin(), begun.messages.end());
    figures_ = begun.figures;
    started_ = begun.started;
  }

  void Start(const async::Context& ctx) const {
    ctx.Emit("agent.start", {{"tools", static_cast<std::int64_t>(toolbox_.specs().size())},
                             {"max_turns", std::int64_t{agent_.max_turns}},
                             {"turn", figures_.turns},
                             {"workspace", job_.around->root != nullptr}});
  }

  void End(const async::Context& ctx, const Result<json::Value>& submission, Duration took) const {
    if (!submission) {
      const Error& error = submission.error();
      const std::string name = Name(error);
      ctx.Emit("agent_error", {{"error_code", AgentCode(error)},
                               {"error", std::string_view(name)},
                               {"message", std::string_view(error.message)},
                               {"turn", figures_.turns}});
    }
    ctx.Emit("agent.end", {{"status", submission ? "ok" : "error"},
                           {"turns", figures_.turns},
                           {"tool_calls", figures_.tool_calls},
                           {"prompt_tokens", figures_.prompt_tokens.value_or(0)},
                           {"completion_tokens", figures_.completion_tokens.value_or(0)},
                           {"duration_ms", WholeMillis(took)}});
  }

  async::Task<Result<json::Value>> Loop(async::Context ctx) {
    // What a kill broke off: a nudge that was not yet said, calls that have no result yet.
    const Message* last = call_.messages.size() > head_ ? &call_.messages.back() : nullptr;
    if (last != nullptr && last->role == Role::kAssistant && last->tool_calls.empty()) {
      WEIR_CO_CHECK(Say(NudgeMessage()));
    }
    WEIR_CO_TRY(Step step, co_await RunCalls(Limited(ctx)));
    while (step != Step::kDone) {
      if (figures_.turns >= agent_.max_turns) co_return Fail(NoTurnsLeft());
      WEIR_CO_TRY(step, co_await OneTurn(Limited(ctx)));
    }
    co_return std::move(submission_);
  }

  async::Task<Result<Step>> OneTurn(async::Context ctx) {
    const int turn = static_cast<int>(figures_.turns) + 1;
    const Phase phase = PhaseOf(turn, agent_.max_turns);
    const TurnOptions options{.turn = turn,
                              .temperature = TemperatureOf(agent_.temperature, phase),
                              .must_submit = turn == agent_.max_turns || NoCallsLeft(),
                              .other = in_vain_};
    const TimePoint start = ctx.Now();
    Result<Answer> answer =
        co_await AskTurn(ctx, engine_, agent_, toolbox_, job_, call_, options, figures_);
    if (!answer && ClassOf(answer.error()) == ErrorClass::kContextLength) {
      co_return co_await Compact(ctx, answer.error());
    }
    if (!answer) co_return Fail(answer.error());
    ++figures_.turns;
    TellTurn(ctx, *answer, turn, phase, options, ctx.Now() - start);
    if (answer->confidence) figures_.confidences.push_back(*answer->confidence);
    const model::Choice* choice = answer->choice();
    if (choice == nullptr) co_return Fail(Code::kEmptyModelResponse, "the reply has no choice");
    switch (choice->finish) {
      case Finish::kContentFilter:
        co_return Fail(Code::kContentFilter,
                       StrCat("the server filtered the answer of turn ", turn,
                              "; what it said so far: ", Truncate(choice->text, 200)));
      case Finish::kLength:
        co_return co_await Compact(
            ctx, {.code = Code::kTruncated,
                  .message = StrCat("the answer of turn ", turn, " was cut at the token limit")});
      case Finish::kAbort:
        co_return Fail(Code::kStreamTruncated,
                       StrCat("the server broke turn ", turn, " off (finish reason `abort`)"));
      default:
        break;
    }
    co_return co_await Act(ctx, answer->reply);
  }

  void TellTurn(const async::Context& ctx, const Answer& answer, int turn, Phase phase,
                const TurnOptions& options, Duration took) const {
    const model::Choice* choice = answer.choice();
    const model::Usage& usage = answer.reply.usage;
    if (ctx.trace != nullptr) {
      const Finish finish = choice == nullptr ? Finish::kNone : choice->finish;
      const std::size_t calls = choice == nullptr ? 0 : choice->tool_calls.size();
      std::vector<TraceField> fields = {{"turn", std::int64_t{turn}},
                                        {"phase", PhaseName(phase)},
                                        {"temperature", options.temperature},
                                        {"finish_reason", model::FinishName(finish)},
                                        {"tool_calls", static_cast<std::int64_t>(calls)},
                                        {"duration_ms", WholeMillis(took)}};
      if (usage.prompt_tokens) fields.push_back({"prompt_tokens", *usage.prompt_tokens});
      if (usage.completion_tokens) {
        fields.push_back({"completion_tokens", *usage.completion_tokens});
      }
      if (answer.confidence) fields.push_back({"confidence", *answer.confidence});
      ctx.trace->OnEvent("agent.turn", fields);
    }
    tool_confidence_ = answer.tool_confidence;
  }

  async::Task<Result<Step>> Act(async::Context ctx, const model::Reply& reply) {
    Message message = RawMessageOf(reply);
    if (message.tool_calls.empty()) FindCalls(message);
    NameCalls(message);
    if (message.tool_calls.empty()) {
      if (TakeText(message)) co_return Step::kDone;
      co_return Nudge(std::move(message));
    }
    WEIR_CO_CHECK(Say(std::move(message)));
    co_return co_await RunCalls(ctx);
  }

  // Ids are how results find their calls: some servers give none, or the same again and again.
  void NameCalls(Message& message) const {
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
      message.tool_calls[i].id = StrCat("call_", figures_.turns, "_", i + 1);
    }
  }

  void FindCalls(Message& message) {
    message.tool_calls = CallsInText(message.AllText(), toolbox_.specs());
    if (message.tool_calls.empty()) return;
    message.parts.clear();
    for (const model::ToolCall& call : message.tool_calls) {
      repairs_.push_back(StrCat("a call of ", call.name, " was read out of a text"));
    }
  }

  // A result that was said instead of handed in.
  bool TakeText(const Message& message) {
    const std::string text = message.AllText();
    const Result<json::Mended> read = json::ReadLenient(text);
    if (!read || !read->report.complete || !read->value.IsObject()) return false;
    const model::ToolCall call{.id = {}, .name = agent_.submit.name, .arguments = text};
    Result<json::Value> result = toolbox_.Submission(call, nullptr);
    if (!result) return false;
    repairs_.push_back("the result was read out of a text, as the model did not call " +
                       agent_.submit.name);
    submission_ = *std::move(result);
    return true;
  }

  Result<Step> Nudge(Message message) {
    const std::string said = message.AllText();
    if (figures_.nudges >= agent_.max_nudges || NoTurnsAfterThis()) {
      return Fail(Code::kNoSubmit,
                  StrCat("the model ended in turn ", figures_.turns, " without calling ",
                         agent_.submit.name, "; it said: ",
                         said.empty() ? std::string("nothing") : Truncate(said, 300)));
    }
    ++figures_.nudges;
    ++in_vain_;
    WEIR_CHECK(Say(std::move(message)));
    WEIR_CHECK(Say(NudgeMessage()));
    return Step::kOn;
  }

  Message NudgeMessage() const {
    return Message::Text(
        Role::kUser, StrCat("You called no tool. Call one of the tools now; when the work is done, "
                            "or cannot be done, call ",
                            agent_.submit.name, " and say so there."));
  }

  async::Task<Result<Step>> RunCalls(async::Context ctx) {
    ToolRound round(agent_, toolbox_, job_, figures_, started_, repairs_, failures_,
                    tool_confidence_);
    Result<RoundResult> result = co_await round.Run(ctx, call_.messages);
    waited_ += round.waited();
    if (!result) co_return Fail(result.error());
    if (result->submission) {
      submission_ = *std::move(result->submission);
      co_return Step::kDone;
    }
    in_vain_ = round.repeats() ? in_vain_ + 1 : 0;
    co_return Step::kOn;
  }

  async::Task<Result<Step>> Compact(async::Context ctx, Error why) {
    if (figures_.compactions >= agent_.max_compactions) {
      why.message +=
          StrCat("; it was summed up ", figures_.compactions, " times before (max_compactions)");
      co_return Fail(std::move(why));
    }
    ++figures_.compactions;
    const std::size_t before = call_.messages.size();
    if (before <= head_) {
      ++in_vain_;
      if (why.code != Code::kTruncated) co_return Fail(std::move(why));
      WEIR_CO_CHECK(Say(Message::Text(
          Role::kUser,
          "Your answer was too long and was cut. Do not explain: call one tool, with short "
          "arguments.")));
      co_return Step::kOn;
    }
    if (NoTurnsAfterThis()) co_return Fail(NoTurnsLeft());
    CompactOptions options;
    if (agent_.max_total_tokens) {
      options.max_tokens =
          std::min(options.max_tokens, *agent_.max_total_tokens - figures_.total_tokens());
      if (options.max_tokens < 1) co_return Fail(std::move(why));
    }
    const async::Context limited =
        job_.turn_timeout > Duration::zero() ? ctx.WithTimeout(job_.turn_timeout) : ctx;
    const TimePoint start = ctx.Now();
    const Result<Summary> summary = co_await SumUp(limited, engine_, call_, head_, options);
    if (job_.on_answer) {
      const Result<model::Reply> reply = summary ? summary->reply : Fail(summary.error());
      job_.on_answer(reply, ctx.Now() - start);
    }
    if (!summary) {
      figures_.Add(summary.error());
      co_return Fail(summary.error());
    }
    if (summary->reply) figures_.Add(*summary->reply);
    if (summary->excerpt) {
      repairs_.emplace_back(
          "the model gave no summary of its work: the end of the conversation stands for it");
    }
    call_.messages.resize(head_);
    call_.messages.push_back(SummaryMessage(*summary));
    const std::int64_t tokens =
        summary->reply ? summary->reply->usage.prompt_tokens.value_or(0) : 0;
    ctx.Emit("context.compacted",
             {{"turn", figures_.turns},
              {"messages_before", static_cast<std::int64_t>(before)},
              {"messages_after", static_cast<std::int64_t>(call_.messages.size())},
              {"tokens_before", tokens},
              {"summary", summary->excerpt ? "excerpt" : "model"}});
    if (job_.checkpoint != nullptr) {
      const std::vector<Message> rest(call_.messages.begin() + static_cast<std::ptrdiff_t>(head_),
                                      call_.messages.end());
      WEIR_CO_CHECK(job_.checkpoint->Replace(rest, figures_));
    }
    co_return Step::kOn;
  }

  Result<void> Say(Message message) {
    if (job_.checkpoint != nullptr) {
      WEIR_CHECK(job_.checkpoint->Add(message, figures_));
    }
    call_.messages.push_back(std::move(message));
    return {};
  }

  bool NoCallsLeft() const { return figures_.tool_calls >= agent_.max_tool_calls; }
  bool NoTurnsAfterThis() const { return figures_.turns >= agent_.max_turns; }

  Error NoTurnsLeft() const {
    return {
        .code = Code::kTurnLimit,
        .message = StrCat("the agent has had its ", agent_.max_turns,
                          " turns and has not handed in a result that is good; raise max_turns, "
                          "or look at its transcript for what it is stuck on")};
  }

  Error TooLate() const {
    return {.code = Code::kTimeout,
            .message = StrCat("the agent was not done after ", WholeMillis(agent_.timeout) / 1000,
                              " s, in turn ", figures_.turns + 1,
                              "; raise its run_timeout, or give it less to do")};
  }

  model::Engine& engine_;
  const Agent& agent_;
  Toolbox& toolbox_;
  const Job& job_;
  model::Call call_;        // with the whole conversation
  const std::size_t head_;  // messages that are always there
  Figures figures_;
  std::vector<std::string> started_;
  std::vector<std::string> repairs_;
  Failures failures_;
  TimePoint start_{};
  Duration waited_{};  // for a person
  int in_vain_ = 0;    // turns in a row that came to nothing
  mutable std::optional<double> tool_confidence_;
  json::Value submission_;
};

}  // namespace

async::Task<WorkResult> Work(async::Context ctx, model::Engine& engine, const Agent& agent,
                             Toolbox& toolbox, const Job& job) {
  Worker worker(engine, agent, toolbox, job);
  co_return co_await worker.Run(ctx);
}

std::string_view AgentCode(const Error& error) {
  if (error.code == Code::kNoSubmit) return "AGENT_003";
  if (error.code == Code::kTurnLimit) return "AGENT_004";
  switch (ClassOf(error)) {
    case ErrorClass::kConfig:
      return "AGENT_001";
    case ErrorClass::kNetwork:
    case ErrorClass::kUnavailable:
      return "AGENT_002";
    default:
      return "";
  }
}

Phase PhaseOf(int turn, int max_turns) {
  if (turn > max_turns - 2) return Phase::kLast;
  return turn == 1 ? Phase::kFirst : Phase::kLoop;
}

double TemperatureOf(const TurnPolicy& policy, Phase phase) {
  switch (phase) {
    case Phase::kFirst:
      return policy.first;
    case Phase::kLoop:
      return policy.loop;
    case Phase::kLast:
      return policy.last;
  }
  std::unreachable();
}

}  // namespace weir::agent
