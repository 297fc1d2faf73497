#include "weir/agent/conversation.h"

#include <memory>
#include <utility>

#include "weir/json/lenient.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::agent {
namespace {

// Servers read the arguments of earlier calls, and refuse a conversation whose are not an object.
std::string ReplayedArguments(std::string_view text) {
  if (const Result<json::Value> exact = json::Read(text); exact && exact->IsObject()) {
    return std::string(text);
  }
  Result<json::Mended> mended = json::ReadLenient(text);
  if (mended && mended->report.complete && mended->value.IsString()) {
    const json::Value quoted = mended->value;
    mended = json::ReadLenient(quoted.StringOr(""));
  }
  if (!mended || !mended->report.complete || !mended->value.IsObject()) return "{}";
  return json::Write(mended->value);
}

}  // namespace

async::Task<Result<model::Reply>> GatherReply(async::Context ctx, model::Engine& engine,
                                              const model::Call& call, model::Reply& seen) {
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await engine.Stream(ctx, call));
  model::Assembler assembler;
  model::Delta piece;
  for (;;) {
    const Result<bool> more = co_await stream->Next(ctx, piece);
    if (more && *more) {
      assembler.Add(piece);
      continue;
    }
    seen = std::move(assembler).Finish(stream->info());
    if (!more) co_return Fail(more.error());
    co_return seen;
  }
}

model::Message MessageOf(const model::Reply& reply) {
  model::Message message = RawMessageOf(reply);
  MakeSendable(message);
  return message;
}

void MakeSendable(model::Message& message) {
  for (model::ToolCall& call : message.tool_calls) {
    call.arguments = ReplayedArguments(call.arguments);
  }
}

model::Message RawMessageOf(const model::Reply& reply) {
  model::Message message;
  message.role = model::Role::kAssistant;
  if (reply.choices.empty()) return message;
  const model::Choice& choice = reply.choices.front();
  const std::string& text = choice.text.empty() ? choice.refusal : choice.text;
  if (!text.empty()) message = model::Message::Text(model::Role::kAssistant, text);
  message.reasoning = choice.reasoning;
  message.tool_calls = choice.tool_calls;
  return message;
}

}  // namespace weir::agent
