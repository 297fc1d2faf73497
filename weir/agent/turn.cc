#include "weir/agent/turn.h"

#include <algorithm>
#include <utility>

#include "weir/agent/conversation.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/text/confidence.h"
#include "weir/text/token_estimate.h"

namespace weir::agent {
namespace {

using model::Finish;
using ChoiceKind = model::ToolChoice::Kind;

constexpr double kWarmer = 0.3;
constexpr double kWarmest = 1.0;
constexpr int kBadRequest = 400;

std::int64_t SeedOf(std::uint64_t seed, int turn, int other) {
  std::uint64_t hash = StableHash(&turn, sizeof(turn), seed);
  hash = StableHash(&other, sizeof(other), hash);
  return static_cast<std::int64_t>(hash & 0x7FFF'FFFF);  // what every server takes
}

// An answer that is there as a whole, whatever a verdict says of it: what is wrong with its calls,
// or that it calls nothing, is the loop's business.
bool IsAnswer(const Error& error, const model::Reply& seen) {
  if (seen.choices.empty() || seen.choices.front().finish == Finish::kNone) return false;
  return ClassOf(error) == ErrorClass::kValidation || error.code == Code::kTruncated ||
         error.code == Code::kEmptyModelResponse || error.code == Code::kContentFilter;
}

async::Task<Result<model::Reply>> Gather(async::Context ctx, model::Engine& engine,
                                         const model::Call& call) {
  model::Reply seen;
  Result<model::Reply> reply = co_await GatherReply(ctx, engine, call, seen);
  if (!reply && IsAnswer(reply.error(), seen)) co_return seen;
  co_return reply;
}

class Turn {
 public:
  Turn(model::Engine& engine, const Agent& agent, Toolbox& toolbox, const Job& job,
       const model::Call& call, TurnOptions options, Figures& figures)
      : engine_(engine),
        agent_(agent),
        toolbox_(toolbox),
        job_(job),
        begun_(call),
        options_(options),
        figures_(figures) {}

  async::Task<Result<Answer>> Ask(async::Context ctx) {
    WEIR_CO_TRY(Answer best, co_await AskOnce(ctx));
    if (!agent_.min_tool_confidence) co_return best;
    for (int retry = 1; retry <= agent_.confidence_retries; ++retry) {
      const double surety = best.tool_confidence.value_or(1);
      if (surety >= *agent_.min_tool_confidence) break;
      TellUnsure(ctx, best, retry);
      ++figures_.confidence_retries;
      ++options_.other;
      Result<Answer> again = co_await AskOnce(ctx);
      if (!again && ctx.cancelled()) co_return Fail(again.error());
      if (again && again->tool_confidence.value_or(0) > surety) best = *std::move(again);
    }
    co_return best;
  }

 private:
  async::Task<Result<Answer>> AskOnce(async::Context ctx) {
    for (int breaks = 0;; ++breaks) {
      WEIR_CO_TRY(const model::Call call, Call());
      const async::Context limited =
          job_.turn_timeout > Duration::zero() ? ctx.WithTimeout(job_.turn_timeout) : ctx;
      const TimePoint start = ctx.Now();
      Result<model::Reply> reply = co_await Gather(limited, engine_, call);
      if (job_.on_answer) job_.on_answer(reply, ctx.Now() - start);
      if (reply) co_return Weigh(*std::move(reply));
      figures_.Add(reply.error());
      if (ctx.cancelled()) co_return Fail(reply.error());
      if (IsForced(call) && reply.error().http_status == kBadRequest &&
          ClassOf(reply.error()) == ErrorClass::kInvalidRequest) {
        ctx.Emit("agent.forced_choice_refused", {{"message", reply.error().message}});
        toolbox_.may_force = false;
        continue;
      }
      const bool broken = reply.error().code == Code::kStreamTruncated;
      if (!broken || breaks == kMostBreaks) co_return Fail(reply.error());
      // One break is the network's; a second may come of what the model writes.
      if (breaks > 0) ++options_.other;
    }
  }

  static bool IsForced(const model::Call& call) {
    return call.tool_choice.kind == ChoiceKind::kRequired ||
           call.tool_choice.kind == ChoiceKind::kNamed;
  }

  Result<model::Call> Call() const {
    model::Call call = begun_;
    for (model::Message& message : call.messages) MakeSendable(message);
    call.tools =
        options_.must_submit && !toolbox_.may_force ? toolbox_.submission() : toolbox_.specs();
    call.tool_choice = ToolChoice();
    model::Sampling& sampling = call.sampling;
    sampling.temperature =
        options_.other == 0 ? options_.temperature
                            : std::min(options_.temperature + (kWarmer * options_.other), kWarmest);
    sampling.seed = SeedOf(job_.seed, options_.turn, options_.other);
    if (agent_.min_tool_confidence && !sampling.logprobs) sampling.logprobs = 0;
    if (agent_.max_total_tokens) {
      const std::int64_t left =
          *agent_.max_total_tokens - figures_.total_tokens() - text::EstimateTokens(call);
      if (left < 1) return Fail(OverBudget());
      sampling.max_tokens = std::min(sampling.max_tokens.value_or(left), left);
    }
    return call;
  }

  model::ToolChoice ToolChoice() const {
    const ChoiceKind wanted =
        agent_.tool_choice == ChoiceKind::kUnset ? ChoiceKind::kRequired : agent_.tool_choice;
    if (wanted == ChoiceKind::kNone) return {.kind = ChoiceKind::kNone, .name = {}};
    if (!toolbox_.may_force) return {.kind = ChoiceKind::kAuto, .name = {}};
    if (options_.must_submit) return {.kind = ChoiceKind::kNamed, .name = agent_.submit.name};
    return {.kind = wanted, .name = {}};
  }

  Error OverBudget() const {
    return {.code = Code::kBudgetExceeded,
            .message = StrCat("the agent has used ", figures_.total_tokens(), " of ",
                              *agent_.max_total_tokens,
                              " tokens (max_total_tokens), and the next prompt takes the rest; "
                              "raise it, or give less to read")};
  }

  Answer Weigh(model::Reply reply) const {
    figures_.Add(reply);
    Answer answer{.reply = std::move(reply)};
    const model::Choice* choice = answer.choice();
    if (choice == nullptr || choice->tokens.empty()) return answer;
    const std::optional<model::Confidence> confidence = text::ConfidenceOf(*choice);
    if (!confidence) return answer;
    answer.confidence = confidence->mean;
    for (const model::ToolConfidence& tool : confidence->tools) {
      if (!tool.of_name) continue;
      answer.tool_confidence = std::min(answer.tool_confidence.value_or(1), *tool.of_name);
    }
    return answer;
  }

  void TellUnsure(const async::Context& ctx, const Answer& answer, int retry) const {
    const model::Choice* choice = answer.choice();
    const bool calls = choice != nullptr && !choice->tool_calls.empty();
    ctx.Emit("agent.retry_low_confidence",
             {{"turn", std::int64_t{options_.turn}},
              {"tool_name", calls ? std::string_view(choice->tool_calls.front().name) : ""},
              {"confidence", answer.tool_confidence.value_or(0)},
              {"threshold", *agent_.min_tool_confidence},
              {"attempt", std::int64_t{retry}},
              {"max_retries", std::int64_t{agent_.confidence_retries}}});
  }

  model::Engine& engine_;
  const Agent& agent_;
  Toolbox& toolbox_;
  const Job& job_;
  const model::Call& begun_;
  TurnOptions options_;
  Figures& figures_;
};

}  // namespace

async::Task<Result<Answer>> AskTurn(async::Context ctx, model::Engine& engine, const Agent& agent,
                                    Toolbox& toolbox, const Job& job, const model::Call& call,
                                    TurnOptions options, Figures& figures) {
  Turn turn(engine, agent, toolbox, job, call, options, figures);
  co_return co_await turn.Ask(ctx);
}

}  // namespace weir::agent
