#include "weir/engine/feedback.h"

#include <algorithm>
#include <cmath>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::engine {
namespace {

using model::Message;
using model::Role;

constexpr std::string_view kOnlyJson = "Respond ONLY in JSON";
// Twice nothing would be nothing.
constexpr std::int64_t kLeastMore = 500;

bool Says(const Message& message, std::string_view words) {
  return message.AllText().find(words) != std::string::npos;
}

// Whether the instruction is new; a model that did not follow it is told the reason instead.
bool AddOnlyJson(std::vector<Message>& messages) {
  const auto system = std::ranges::find(messages, Role::kSystem, &Message::role);
  if (system != messages.end() && Says(*system, kOnlyJson)) return false;
  Instruct(messages, StrCat(kOnlyJson, "."));
  return true;
}

// Servers read the arguments of replayed calls as JSON, and fail where they are none.
bool CanBeReplayed(const std::vector<model::ToolCall>& calls) {
  return std::ranges::all_of(calls, [](const model::ToolCall& call) {
    const Result<json::Value> arguments = json::Read(call.arguments);
    return arguments && arguments->IsObject() && !call.id.empty();
  });
}

void AddReason(const model::Choice& answer, const Error& error, std::vector<Message>& messages) {
  const std::string reason =
      StrCat("This was not accepted: ", error.message, ". Answer again, with that mended.");
  std::string text = answer.text;
  const bool replayed = !answer.tool_calls.empty() && CanBeReplayed(answer.tool_calls);
  if (!replayed) {
    for (const model::ToolCall& call : answer.tool_calls) {
      StrAppend(text, text.empty() ? "" : "\n", call.name, "(", call.arguments, ")");
    }
  }
  Message wrong = Message::Text(Role::kAssistant, text);
  if (text.empty()) wrong.parts.clear();
  if (replayed) wrong.tool_calls = answer.tool_calls;
  messages.push_back(std::move(wrong));
  if (!replayed) {
    messages.push_back(Message::Text(Role::kUser, reason));
    return;
  }
  for (const model::ToolCall& call : answer.tool_calls) {
    Message result = Message::Text(Role::kTool, reason);
    result.tool_call_id = call.id;
    messages.push_back(std::move(result));
  }
}

// A seed would give the same answer to the same question.
void ChangeSeed(model::Sampling& sampling, int attempt) {
  if (sampling.seed && *sampling.seed != model::kNoSeed) *sampling.seed += attempt - 1;
  if (sampling.temperature == 0.0) sampling.temperature = 0.2;
}

}  // namespace

void Instruct(std::vector<Message>& messages, std::string_view words) {
  const auto system = std::ranges::find(messages, Role::kSystem, &Message::role);
  if (system == messages.end()) {
    messages.insert(messages.begin(), Message::Text(Role::kSystem, std::string(words)));
    return;
  }
  model::Part part;
  part.text = StrCat(system->parts.empty() ? "" : "\n\n", words);
  if (system->parts.size() == 1 && system->parts.front().kind == model::Part::Kind::kText) {
    system->parts.front().text += part.text;
  } else {
    system->parts.push_back(std::move(part));
  }
}

void InstructAbout(std::vector<Message>& messages, const model::Constraint& constraint) {
  using Kind = model::Constraint::Kind;
  switch (constraint.kind) {
    case Kind::kJsonObject:
      return Instruct(messages, StrCat(kOnlyJson, "."));
    case Kind::kJsonSchema:
      return Instruct(messages, StrCat(kOnlyJson, " that obeys this JSON Schema:\n",
                                       json::Write(constraint.schema)));
    case Kind::kChoice:
      return Instruct(messages, StrCat("Respond ONLY with one of these, and nothing else:\n",
                                       Join(constraint.choices, "\n")));
    case Kind::kRegex:
      return Instruct(messages,
                      StrCat("Respond ONLY with text that this regular expression matches as a "
                             "whole:\n",
                             constraint.text));
    case Kind::kGrammar:
      return Instruct(messages,
                      StrCat("Respond ONLY with text of this grammar:\n", constraint.text));
    case Kind::kStructuralTag:
      return;
  }
}

std::optional<model::Call> AskAgain(const model::Call& call, const model::Choice& answer,
                                    const Error& error, const Asking& asking) {
  model::Call again = call;
  again.request_id.clear();
  if (error.code == Code::kTruncated) {
    std::optional<std::int64_t>& limit = again.sampling.max_tokens;
    if (!limit) limit = asking.max_tokens;
    if (!limit) return std::nullopt;
    const auto more =
        static_cast<std::int64_t>(std::ceil(static_cast<double>(*limit) * asking.longer_by));
    limit = std::max(more, *limit + kLeastMore);
    return again;
  }
  if (again.messages.empty() || error.code == Code::kEmptyModelResponse) {
    ChangeSeed(again.sampling, asking.attempt);
    return again;
  }
  again.continue_final_message.reset();
  again.add_generation_prompt.reset();
  const bool told =
      error.code == Code::kInvalidJson && answer.tool_calls.empty() && AddOnlyJson(again.messages);
  if (!told) AddReason(answer, error, again.messages);
  return again;
}

}  // namespace weir::engine
