#include "weir/agent/tool_round.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "weir/async/scope.h"
#include "weir/base/clock.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::agent {
namespace {

using model::Message;
using model::Role;

// Equal calls are equal however they are spelled.
std::string SignatureOf(const model::ToolCall& call, std::string_view answer) {
  const Result<json::Value> arguments = json::Read(call.arguments);
  return StrCat(call.name, "\n", arguments ? json::Canonical(*arguments) : call.arguments, "\n",
                answer);
}

// The calls of the last answer that no result stands behind.
std::vector<model::ToolCall> Unanswered(const std::vector<Message>& messages) {
  auto last = messages.rbegin();
  while (last != messages.rend() && last->role == Role::kTool) ++last;
  if (last == messages.rend() || last->role != Role::kAssistant) return {};
  std::vector<model::ToolCall> calls;
  for (const model::ToolCall& call : last->tool_calls) {
    const bool known = std::any_of(messages.rbegin(), last, [&](const Message& result) {
      return result.tool_call_id == call.id;
    });
    if (!known) calls.push_back(call);
  }
  return calls;
}

}  // namespace

async::Task<Result<RoundResult>> ToolRound::Run(async::Context ctx,
                                                std::vector<Message>& messages) {
  const std::vector<model::ToolCall> calls = Unanswered(messages);
  std::vector<Slot> slots;
  slots.reserve(calls.size());
  const model::ToolCall* submission = nullptr;
  for (const model::ToolCall& call : calls) {
    if (call.name != agent_.submit.name) {
      slots.push_back({.call = &call, .outcome = {}});
    } else {
      submission = &call;
    }
  }
  WEIR_CO_CHECK(co_await RunAll(ctx, slots, messages));
  // A result is handed in once. Of several the last counts, as it knows most; each has an answer.
  for (const model::ToolCall& call : calls) {
    if (call.name != agent_.submit.name || &call == submission) continue;
    WEIR_CO_CHECK(Say(messages, call, "error: only the last result of an answer is looked at"));
  }
  if (submission == nullptr) co_return RoundResult{};
  co_return HandIn(ctx, *submission, messages);
}

void ToolRound::Decide(Slot& slot) {
  const model::ToolCall& call = *slot.call;
  const std::int64_t left = agent_.max_tool_calls - figures_.tool_calls;
  ++figures_.tool_calls;
  if (left < 1) {
    slot.runs = false;
    slot.outcome = {.status = ToolStatus::kDenied,
                    .text = StrCat("error: the limit of ", agent_.max_tool_calls,
                                   " tool calls is reached; call ", agent_.submit.name, " now"),
                    .error = "denied"};
  } else if (std::ranges::find(started_, call.id) != started_.end()) {
    slot.runs = false;
    slot.outcome = {
        .status = ToolStatus::kInterrupted,
        .text =
            "error: this call was broken off when the run was stopped. It may have taken "
            "effect or not, and was not run again: look before you call it again.",
        .error = "interrupted"};
  }
}

async::Task<Result<void>> ToolRound::RunAll(async::Context ctx, std::vector<Slot>& slots,
                                            std::vector<Message>& messages) {
  std::size_t next = 0;
  while (next < slots.size()) {
    const std::size_t first = next;
    const auto most = static_cast<std::size_t>(std::max(1, agent_.parallel_tools));
    async::TaskScope together(ctx);
    while (next < slots.size() && next - first < most) {
      const bool alone = toolbox_.Mutates(slots[next].call->name);
      if (alone && next > first) break;
      Decide(slots[next]);
      if (slots[next].runs) together.Spawn(RunOne(together.context(), slots[next]));
      ++next;
      if (alone) break;
    }
    co_await together.Join();
    Duration waited{};
    for (std::size_t i = first; i < next; ++i) {
      waited = std::max(waited, slots[i].outcome.waited);
    }
    waited_ += waited;
    ctx.deadline = After(ctx.deadline, waited);
    if (failure_) co_return Fail(*failure_);
    // What is done is noted before the next one begins.
    for (std::size_t i = first; i < next; ++i) {
      WEIR_CO_CHECK(Answer(ctx, slots[i], messages));
    }
  }
  co_return Result<void>();
}

async::Task<void> ToolRound::RunOne(async::Context ctx, Slot& slot) {
  const model::ToolCall& call = *slot.call;
  const auto tell = [&](std::initializer_list<TraceField> fields) {
    ctx.Emit("tool_call", fields);
  };
  if (confidence_) {
    tell({{"turn", figures_.turns},
          {"tool_name", std::string_view(call.name)},
          {"call_id", std::string_view(call.id)},
          {"mutates", toolbox_.Mutates(call.name)},
          {"tool_confidence", *confidence_}});
  } else {
    tell({{"turn", figures_.turns},
          {"tool_name", std::string_view(call.name)},
          {"call_id", std::string_view(call.id)},
          {"mutates", toolbox_.Mutates(call.name)}});
  }
  const auto note = [this, &call]() -> Result<void> {
    if (job_.checkpoint == nullptr || !toolbox_.Mutates(call.name)) return {};
    return job_.checkpoint->Start(call.id);
  };
  const std::function<Result<void>()> before = note;
  Result<ToolOutcome> outcome = co_await toolbox_.Run(ctx, call, *job_.around, before);
  if (outcome) {
    slot.outcome = *std::move(outcome);
  } else if (!failure_) {
    failure_ = outcome.error();
  }
}

Result<void> ToolRound::Answer(const async::Context& ctx, const Slot& slot,
                               std::vector<Message>& messages) {
  const ToolOutcome& outcome = slot.outcome;
  ++answered_;
  if (outcome.status == ToolStatus::kError) ++figures_.tool_errors;
  if (outcome.status == ToolStatus::kDenied) ++figures_.denied;
  if (outcome.status == ToolStatus::kInterrupted) ++figures_.interrupted;
  repairs_.insert(repairs_.end(), outcome.repairs.begin(), outcome.repairs.end());
  if (ctx.trace != nullptr) {
    std::vector<TraceField> fields = {
        {"turn", figures_.turns},
        {"tool_name", std::string_view(slot.call->name)},
        {"call_id", std::string_view(slot.call->id)},
        {"status", ToolStatusName(outcome.status)},
        {"duration_ms", WholeMillis(outcome.took)},
        {"tool_output_chars", static_cast<std::int64_t>(outcome.text.size())}};
    if (!outcome.error.empty()) {
      fields.push_back({"error", std::string_view(outcome.error)});
      fields.push_back({"message", std::string_view(outcome.text)});
    }
    ctx.trace->OnEvent("tool_result", fields);
  }
  if (outcome.status == ToolStatus::kOk) return Say(messages, *slot.call, outcome.text);
  return Say(messages, *slot.call, FailureText(*slot.call, outcome.text));
}

std::string ToolRound::FailureText(const model::ToolCall& call, std::string text) {
  if (++failures_[SignatureOf(call, text)] == 1) return text;
  ++repeated_;
  return text +
         "\nYou made this very call before, and it failed in the same way. Do something else.";
}

Result<RoundResult> ToolRound::HandIn(const async::Context& ctx, const model::ToolCall& call,
                                      std::vector<Message>& messages) {
  std::vector<std::string> repairs;
  Result<json::Value> value = toolbox_.Submission(call, &repairs);
  ctx.Emit("submit_result",
           {{"turn", figures_.turns},
            {"status", value ? std::string_view(value->Find("status").StringOr("accepted"))
                             : std::string_view("refused")}});
  if (value) {
    repairs_.insert(repairs_.end(), repairs.begin(), repairs.end());
    return RoundResult{.submission = *std::move(value)};
  }
  ++answered_;
  WEIR_CHECK(Say(messages, call, FailureText(call, StrCat("error: ", value.error().message))));
  return RoundResult{};
}

Result<void> ToolRound::Say(std::vector<Message>& messages, const model::ToolCall& call,
                            std::string text) {
  Message message = Message::Text(Role::kTool, std::move(text));
  message.tool_call_id = call.id;
  message.name = call.name;
  if (job_.checkpoint != nullptr) {
    WEIR_CHECK(job_.checkpoint->Add(message, figures_));
  }
  messages.push_back(std::move(message));
  return {};
}

}  // namespace weir::agent
