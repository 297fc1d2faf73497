#include "weir/sim/playback.h"

#include <algorithm>
#include <cmath>

#include "weir/base/random.h"
#include "weir/sim/tokens.h"

namespace weir::sim {
namespace {

using model::Delta;

std::string_view TokenText(const PlannedChoice& choice, std::size_t step) {
  const std::size_t begin = step == 0 ? 0 : choice.ends[step - 1];
  return std::string_view(choice.text).substr(begin, choice.ends[step] - begin);
}

bool IsLast(const PlannedChoice& choice, std::size_t step) {
  return step + 1 == choice.ends.size();
}

std::int64_t IdOf(const PlannedChoice& choice, std::size_t step) {
  const bool end = choice.ended && IsLast(choice, step);
  return end ? kEndToken : TokenId(TokenText(choice, step));
}

// How much of the text has left once `step` is done. While the choice runs, `hold_back` characters
// at the end stay: a stop text may begin in them.
std::size_t ShownAfter(const Plan& plan, const PlannedChoice& choice, std::size_t step) {
  if (IsLast(choice, step)) return choice.visible;
  std::size_t shown = choice.ends[step];
  for (std::size_t held = 0; held < plan.hold_back && shown > 0; ++held) {
    do {
      --shown;
    } while (shown > 0 && (static_cast<unsigned char>(choice.text[shown]) & 0xC0) == 0x80);
  }
  return std::min(shown, choice.visible);
}

model::TopToken MakeTop(std::string_view text, double probability) {
  return {.text = std::string(text),
          .logprob = std::log(probability),
          .bytes = {text.begin(), text.end()}};
}

// Other tokens that might have stood there; the first is likely, each further one less so.
constexpr std::string_view kRivals[] = {
    " the", " a",   " and", " of",  ".",     ",",     " in",  " to",   " is",   " that", " it",
    " one", " for", " as",  " you", " with", " this", " not", " they", " more", " can",  " so",
};

// Plausible log-probabilities: most tokens are sure, some are not, and now and then the token that
// was drawn is not the likeliest. The one that was drawn stands first among the alternatives.
model::Token DescribeToken(const Plan& plan, const PlannedChoice& choice, std::size_t step) {
  const bool end = choice.ended && IsLast(choice, step);
  const std::string_view text = end ? kEndTokenText : TokenText(choice, step);
  Random random(choice.seed ^ (step + 1) * 0x9E3779B97F4A7C15ULL);
  const bool upset = random.Below(10) == 0 && !plan.greedy;
  const double drawn = random.Uniform();
  const double own = upset ? 0.05 + 0.25 * drawn : 1 - 0.7 * drawn * drawn;
  double rest = (1 - own) * 0.97;  // what is left for all others together

  const model::TopToken top = MakeTop(text, own);
  model::Token token{.text = top.text, .logprob = top.logprob, .bytes = top.bytes};
  if (plan.return_token_ids) token.id = IdOf(choice, step);
  const auto wanted = static_cast<std::size_t>(plan.logprobs.value_or(0));
  // Completions show the drawn token beside the likeliest ones, chat among them.
  const std::size_t size = plan.chat ? wanted : wanted + (upset || wanted == 0 ? 1 : 0);
  if (size > 0) token.top.push_back(top);
  std::size_t rival = random.Below(std::size(kRivals));
  while (token.top.size() < size) {
    const std::string_view other = kRivals[rival++ % std::size(kRivals)];
    if (other == text) continue;
    const double share = upset && token.top.size() == 1 ? 0.7 : 0.5;
    token.top.push_back(MakeTop(other, rest * share));
    rest *= 1 - share;
  }
  return token;
}

void AddCallPieces(const PlannedChoice& choice, std::size_t from, std::size_t to, Delta& delta) {
  for (std::size_t i = 0; i < choice.calls.size(); ++i) {
    const PlannedCall& call = choice.calls[i];
    const std::size_t end =
        i + 1 < choice.calls.size() ? choice.calls[i + 1].begin : choice.visible;
    const std::size_t begin = std::max(from, call.begin);
    if (begin >= std::min(to, end)) continue;
    model::ToolCallDelta piece{.index = static_cast<std::int64_t>(i)};
    if (begin == call.begin) {
      piece.id = call.id;
      piece.name = call.name;
    }
    piece.arguments = choice.text.substr(begin, std::min(to, end) - begin);
    delta.tool_calls.push_back(std::move(piece));
  }
}

// The tokens of the prompt, when an answer repeats it with its log-probabilities.
void AddEcho(const Plan& plan, const PlannedChoice& choice, std::vector<model::Token>& out) {
  PlannedChoice prompt;
  prompt.text = choice.echo;
  prompt.seed = choice.seed + 1;
  CutTokens(prompt.text, 0, prompt.ends);
  for (std::size_t i = 0; i < prompt.ends.size(); ++i) {
    out.push_back(DescribeToken(plan, prompt, i));
    if (i > 0) continue;
    out.back().logprob.reset();
    out.back().top.clear();
  }
}

void AddTokens(const Plan& plan, const PlannedChoice& choice, std::size_t step,
               std::vector<model::Token>& out) {
  if (!plan.logprobs) return;
  const std::size_t first = out.size();
  if (step == 0 && !choice.echo.empty()) AddEcho(plan, choice, out);
  out.push_back(DescribeToken(plan, choice, step));
  if (plan.chat) return;
  std::int64_t offset = 0;
  if (step > 0) {
    offset = static_cast<std::int64_t>(choice.echo.size() + choice.ends[step - 1]);
  }
  for (std::size_t i = first; i < out.size(); ++i) {
    out[i].text_offset = offset;
    offset += static_cast<std::int64_t>(out[i].text.size());
  }
}

std::string FinishWord(const PlannedChoice& choice) {
  return choice.finish_text.empty() ? std::string(model::FinishName(choice.finish))
                                    : choice.finish_text;
}

model::Choice WholeChoice(const Plan& plan, const PlannedChoice& planned) {
  model::Choice choice;
  if (planned.calls.empty()) {
    choice.text = planned.echo + planned.text.substr(0, planned.visible);
  }
  Delta calls;
  AddCallPieces(planned, 0, planned.visible, calls);
  for (model::ToolCallDelta& call : calls.tool_calls) {
    choice.tool_calls.push_back(
        {std::move(call.id), std::move(call.name), std::move(call.arguments)});
  }
  for (std::size_t step = 0; step < planned.ends.size(); ++step) {
    AddTokens(plan, planned, step, choice.tokens);
    if (plan.return_token_ids) choice.token_ids.push_back(IdOf(planned, step));
  }
  choice.finish = planned.finish;
  choice.finish_text = FinishWord(planned);
  choice.stop_reason = planned.stop_reason;
  return choice;
}

}  // namespace

void AppendStep(const Plan& plan, std::size_t step, std::vector<Delta>& out) {
  for (std::size_t index = 0; index < plan.choices.size(); ++index) {
    const PlannedChoice& choice = plan.choices[index];
    if (step >= choice.ends.size()) continue;
    Delta& delta = out.emplace_back();
    delta.choice = static_cast<std::int64_t>(index);
    delta.has_choice = true;
    const std::size_t from = step == 0 ? 0 : ShownAfter(plan, choice, step - 1);
    const std::size_t to = ShownAfter(plan, choice, step);
    if (!choice.calls.empty()) {
      AddCallPieces(choice, from, to, delta);
    } else {
      if (step == 0) delta.text = choice.echo;
      delta.text += std::string_view(choice.text).substr(from, to - from);
    }
    AddTokens(plan, choice, step, delta.tokens);
    if (plan.return_token_ids) delta.token_ids.push_back(IdOf(choice, step));
    if (plan.continuous_usage) delta.usage = UsageAfter(plan, step);
    if (!IsLast(choice, step)) continue;
    delta.finish = choice.finish;
    delta.finish_text = FinishWord(choice);
    delta.stop_reason = choice.stop_reason;
  }
}

model::Usage UsageAfter(const Plan& plan, std::size_t step) {
  model::Usage usage;
  usage.prompt_tokens = plan.usage.prompt_tokens;
  usage.completion_tokens = static_cast<std::int64_t>(step + 1);
  usage.total_tokens = *usage.prompt_tokens + *usage.completion_tokens;
  return usage;
}

model::Reply WholeReply(const Plan& plan, model::ReplyInfo info) {
  model::Reply reply;
  reply.info = std::move(info);
  reply.usage = plan.usage;
  reply.choices.reserve(plan.choices.size());
  for (const PlannedChoice& planned : plan.choices) {
    reply.choices.push_back(WholeChoice(plan, planned));
    reply.choices.back().index = static_cast<std::int64_t>(reply.choices.size()) - 1;
  }
  return reply;
}

}  // namespace weir::sim
