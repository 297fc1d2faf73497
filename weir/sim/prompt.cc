#include "weir/sim/prompt.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

constexpr std::size_t kMediumTokens = 256;  // an image, or another medium
constexpr std::size_t kLeadTokens = 8;      // more than the language model looks back

void AppendSpecial(Special special, std::vector<TokenId>& out) {
  out.push_back(static_cast<TokenId>(special));
}

void AppendText(std::string_view text, std::vector<TokenId>& out) { Tokenizer::Encode(text, out); }

void Open(std::string_view role, std::vector<TokenId>& out) {
  AppendSpecial(Special::kMessageBegin, out);
  AppendText(role, out);
  AppendText("\n", out);
}

void Close(std::vector<TokenId>& out) {
  AppendSpecial(Special::kMessageEnd, out);
  AppendText("\n", out);
}

// What was thought before is shown to the model only in the turn it belongs to. Returns where what
// the message says begins.
std::size_t AppendMessage(const model::Message& message, bool thoughts, std::vector<TokenId>& out) {
  Open(model::RoleName(message.role), out);
  if (thoughts && !message.reasoning.empty()) {
    AppendSpecial(Special::kThinkBegin, out);
    AppendText(message.reasoning, out);
    AppendSpecial(Special::kThinkEnd, out);
  }
  const std::size_t begin = out.size();
  for (const model::Part& part : message.parts) {
    if (part.kind == model::Part::Kind::kText) {
      AppendText(part.text, out);
    } else {
      out.insert(out.end(), kMediumTokens, static_cast<TokenId>(Special::kMedium));
    }
  }
  for (const model::ToolCall& call : message.tool_calls) {
    AppendSpecial(Special::kCallBegin, out);
    AppendText(StrCat(call.name, "\n", call.arguments), out);
    AppendSpecial(Special::kCallEnd, out);
  }
  return begin;
}

bool IsOneText(const model::Message& message) {
  return message.tool_calls.empty() && message.parts.size() == 1 &&
         message.parts[0].kind == model::Part::Kind::kText;
}

// About as many tokens as the messages have.
std::size_t TokensAbout(const std::vector<model::Message>& messages) {
  std::size_t bytes = 0;
  for (const model::Message& message : messages) {
    for (const model::Part& part : message.parts) bytes += part.text.size();
  }
  return bytes / 4 + 8 * messages.size() + 8;
}

void AppendTools(const std::vector<model::ToolSpec>& tools, std::vector<TokenId>& out) {
  if (tools.empty()) return;
  Open("tools", out);
  for (const model::ToolSpec& tool : tools) {
    std::string text = StrCat(tool.name, ": ", tool.description, "\n");
    if (tool.parameters.IsObject()) StrAppend(text, json::Write(tool.parameters), "\n");
    AppendText(text, out);
  }
  Close(out);
}

RenderedPrompt RenderChat(const model::Call& call) {
  RenderedPrompt prompt;
  std::vector<TokenId>& out = prompt.tokens;
  out.reserve(TokensAbout(call.messages));
  AppendTools(call.tools, out);
  const bool goes_on = call.continue_final_message.value_or(false);
  std::size_t user = call.messages.size();
  for (std::size_t i = 0; i < call.messages.size(); ++i) {
    if (call.messages[i].role == model::Role::kUser) user = i;
  }
  for (std::size_t i = 0; i < call.messages.size(); ++i) {
    const std::size_t begin = out.size();
    const model::Message& message = call.messages[i];
    const std::size_t said = AppendMessage(message, i > user, out);
    if (i == user && IsOneText(message)) {
      prompt.question.assign(out.begin() + static_cast<std::ptrdiff_t>(said), out.end());
    } else if (i == user) {
      AppendText(message.AllText(), prompt.question);
    }
    if (i + 1 < call.messages.size() || !goes_on) {
      Close(out);
      continue;
    }
    const auto from = std::max(begin, out.size() - std::min(out.size(), kLeadTokens));
    prompt.lead.assign(out.begin() + static_cast<std::ptrdiff_t>(from), out.end());
  }
  if (call.add_generation_prompt.value_or(true) && !goes_on) Open("assistant", out);
  return prompt;
}

bool IsKnown(std::int64_t id) { return id >= 0 && id < Tokenizer::size(); }

}  // namespace

RenderedPrompt Render(const model::Call& call, const Prompt& prompt) {
  if (call.api != model::Api::kCompletions) return RenderChat(call);
  RenderedPrompt rendered;
  if (prompt.ids.empty()) {
    Tokenizer::Encode(prompt.text, rendered.tokens);
  } else {
    for (const std::int64_t id : prompt.ids) {
      if (IsKnown(id)) rendered.tokens.push_back(static_cast<TokenId>(id));
    }
  }
  std::ranges::copy_if(rendered.tokens, std::back_inserter(rendered.question),
                       [](TokenId id) { return !Tokenizer::IsSpecial(id); });
  const std::size_t lead = std::min(kLeadTokens, rendered.tokens.size());
  rendered.lead.assign(rendered.tokens.end() - static_cast<std::ptrdiff_t>(lead),
                       rendered.tokens.end());
  return rendered;
}

std::optional<std::int64_t> UnknownToken(const Prompt& prompt) {
  const auto unknown = std::ranges::find_if_not(prompt.ids, IsKnown);
  if (unknown == prompt.ids.end()) return std::nullopt;
  return *unknown;
}

void TruncatePrompt(const model::Sampling& sampling, std::int64_t window,
                    std::vector<TokenId>& tokens) {
  if (!sampling.truncate_prompt_tokens) return;
  std::int64_t most = *sampling.truncate_prompt_tokens;
  if (most < 0) most = window - sampling.max_tokens.value_or(1);
  if (static_cast<std::int64_t>(tokens.size()) <= most) return;
  const auto keep = static_cast<std::ptrdiff_t>(std::max<std::int64_t>(most, 0));
  if (sampling.truncation_side == "right") {
    tokens.erase(tokens.begin() + keep, tokens.end());
  } else {
    tokens.erase(tokens.begin(), tokens.end() - keep);
  }
}

std::string LastUserText(const model::Call& call) {
  const auto last = std::ranges::find(call.messages.rbegin(), call.messages.rend(),
                                      model::Role::kUser, &model::Message::role);
  return last == call.messages.rend() ? std::string() : last->AllText();
}

}  // namespace weir::sim
