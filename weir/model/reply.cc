#include "weir/model/reply.h"

#include <algorithm>
#include <utility>

#include "weir/base/counts.h"

namespace weir::model {
namespace {

constexpr std::pair<std::string_view, Finish> kFinishWords[] = {
    {"stop", Finish::kStop},
    {"length", Finish::kLength},
    {"tool_calls", Finish::kToolCalls},
    {"content_filter", Finish::kContentFilter},
    {"abort", Finish::kAbort},
    {"repetition", Finish::kRepetition},
    {"function_call", Finish::kToolCalls},
};

}  // namespace

Finish ParseFinish(std::string_view word) {
  for (const auto& [name, finish] : kFinishWords) {
    if (name == word) return finish;
  }
  return Finish::kOther;
}

std::string_view FinishName(Finish finish) {
  for (const auto& [name, known] : kFinishWords) {
    if (known == finish) return name;
  }
  return finish == Finish::kNone ? "" : "other";
}

void AddUsage(Usage& sum, const Usage& more) {
  const auto add = [](std::optional<std::int64_t>& count, const std::optional<std::int64_t>& one) {
    if (one) count = AddCapped(count.value_or(0), *one);
  };
  add(sum.prompt_tokens, more.prompt_tokens);
  add(sum.completion_tokens, more.completion_tokens);
  add(sum.total_tokens, more.total_tokens);
  add(sum.cached_tokens, more.cached_tokens);
  add(sum.reasoning_tokens, more.reasoning_tokens);
}

const CallTrail& TrailOf(const Error& error) {
  static const CallTrail kUnknown;
  return error.trail == nullptr ? kUnknown : *error.trail;
}

bool HasContent(const Delta& piece) {
  return !piece.text.empty() || !piece.reasoning.empty() || !piece.refusal.empty() ||
         !piece.tool_calls.empty() || !piece.tokens.empty() || !piece.token_ids.empty();
}

const std::string& Reply::text() const {
  static const std::string kEmpty;
  return choices.empty() ? kEmpty : choices.front().text;
}

Choice& Assembler::ChoiceOf(std::int64_t index) {
  const auto found = std::ranges::find(reply_.choices, index, &Choice::index);
  if (found != reply_.choices.end()) return *found;
  call_indexes_.emplace_back();
  Choice& added = reply_.choices.emplace_back();
  added.index = index;
  return added;
}

void Assembler::Add(const Delta& delta) {
  if (delta.usage) reply_.usage = *delta.usage;
  if (delta.extra.IsObject()) reply_.extra = delta.extra;
  if (!delta.has_choice) return;
  Choice& choice = ChoiceOf(delta.choice);
  choice.text += delta.text;
  choice.reasoning += delta.reasoning;
  choice.refusal += delta.refusal;
  choice.tokens.insert(choice.tokens.end(), delta.tokens.begin(), delta.tokens.end());
  choice.token_ids.insert(choice.token_ids.end(), delta.token_ids.begin(), delta.token_ids.end());
  std::vector<std::int64_t>& indexes =
      call_indexes_[static_cast<std::size_t>(&choice - reply_.choices.data())];
  for (const ToolCallDelta& piece : delta.tool_calls) {
    const auto at = std::ranges::find(indexes, piece.index);
    const auto position = static_cast<std::size_t>(at - indexes.begin());
    if (at == indexes.end()) {
      indexes.push_back(piece.index);
      choice.tool_calls.emplace_back();
    }
    ToolCall& call = choice.tool_calls[position];
    if (call.id.empty()) call.id = piece.id;
    if (call.name.empty()) call.name = piece.name;
    call.arguments += piece.arguments;
  }
  if (delta.finish != Finish::kNone) {
    choice.finish = delta.finish;
    choice.finish_text = delta.finish_text;
    choice.stop_reason = delta.stop_reason;
  }
}

Reply Assembler::Finish(ReplyInfo info) && {
  reply_.info = std::move(info);
  std::ranges::sort(reply_.choices, {}, &Choice::index);
  auto& confidences = reply_.info.confidences;
  const std::size_t known = std::min(confidences.size(), reply_.choices.size());
  for (std::size_t i = 0; i < known; ++i) {
    reply_.choices[i].confidence = std::move(confidences[i]);
  }
  confidences.clear();
  return std::move(reply_);
}

}  // namespace weir::model
