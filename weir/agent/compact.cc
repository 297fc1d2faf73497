#include "weir/agent/compact.h"

#include <string>
#include <utility>

#include "weir/base/text.h"

namespace weir::agent {
namespace {

using model::Message;
using model::Role;

std::string Transcript(const std::vector<Message>& messages, std::size_t head,
                       const CompactOptions& options, std::size_t max_chars) {
  std::string text;
  for (std::size_t i = head; i < messages.size(); ++i) {
    const Message& message = messages[i];
    StrAppend(text, "[", model::RoleName(message.role), "] ",
              Truncate(message.AllText(), options.max_result_chars), "\n");
    for (const model::ToolCall& call : message.tool_calls) {
      StrAppend(text, "[calls] ", call.name, " ",
                Truncate(call.arguments, options.max_result_chars), "\n");
    }
  }
  if (text.size() <= max_chars) return text;
  // The end is where the work stands.
  const std::size_t from = text.find('\n', text.size() - max_chars);
  return StrCat("[the beginning is left out]\n", text.substr(from == std::string::npos ? 0 : from));
}

}  // namespace

async::Task<Result<Summary>> SumUp(async::Context ctx, model::Engine& engine,
                                   const model::Call& call, std::size_t head,
                                   CompactOptions options) {
  if (call.messages.size() <= head) {
    co_return Fail(Code::kTruncated,
                   "the answer was cut at the token limit, and there is no earlier conversation "
                   "that could be summed up; raise max_tokens, or give the agent less to read");
  }
  model::Call ask;
  ask.model = call.model;
  ask.adapter = call.adapter;
  ask.sampling.temperature = 0;
  ask.sampling.max_tokens = options.max_tokens;
  ask.reasoning.enable = false;  // thoughts would take all of these tokens
  ask.messages.push_back(Message::Text(
      Role::kSystem,
      "You sum up the work of an agent so that it can go on without the conversation. Say what it "
      "found out, which changes it made, which calls failed and why, and what is left to do. Name "
      "files, lines and values exactly. No preamble."));
  std::string task;
  for (std::size_t i = 0; i < head; ++i) {
    if (call.messages[i].role == Role::kUser) StrAppend(task, call.messages[i].AllText(), "\n");
  }
  ask.messages.push_back(Message::Text(
      Role::kUser, StrCat("The task:\n", Truncate(task, options.max_transcript_chars / 2),
                          "\n\nThe work so far:\n",
                          Transcript(call.messages, head, options, options.max_transcript_chars))));
  Result<model::Reply> reply = co_await engine.Call(ctx, ask);
  if (!reply && reply.error().code != Code::kEmptyModelResponse) co_return Fail(reply.error());
  Summary summary{.reply = std::move(reply), .text = {}};
  // What a filter has ended, or the model refused, sums up nothing.
  const model::Choice* const choice =
      summary.reply && !summary.reply->choices.empty() ? &summary.reply->choices.front() : nullptr;
  const bool withheld = choice != nullptr && (choice->finish == model::Finish::kContentFilter ||
                                              !choice->refusal.empty());
  if (choice != nullptr && !withheld) summary.text = choice->text;
  if (Trim(summary.text).empty()) {
    summary.text = Transcript(call.messages, head, options, options.max_excerpt_chars);
    summary.excerpt = true;
  }
  co_return summary;
}

Message SummaryMessage(const Summary& summary) {
  return Message::Text(Role::kUser, StrCat("[The conversation became too long. This is ",
                                           summary.excerpt ? "the end of it, shortened"
                                                           : "a summary of your work so far",
                                           ".]\n", summary.text, "\n[Go on from here.]"));
}

}  // namespace weir::agent
