// The rooms where a model writes: chat, completions.

#include <utility>

#include "weir/base/text.h"
#include "weir/sim/face/format.h"
#include "weir/sim/face/refuse.h"

namespace weir::sim {
namespace {

using async::Task;
using model::Api;

class ChatFormat final : public AnswerFormat {
 public:
  ChatFormat(const wire::IncomingCall& incoming, const wire::Dialect& dialect,
             model::ReplyInfo info)
      : api_(incoming.call.api),
        call_forced_(incoming.call.tool_choice.kind == model::ToolChoice::Kind::kRequired ||
                     incoming.call.tool_choice.kind == model::ToolChoice::Kind::kNamed),
        calls_dropped_(incoming.null_choice),
        echo_(incoming.chat_echo),
        dialect_(dialect),
        encoder_({.api = incoming.call.api,
                  .dialect = dialect,
                  .include_usage = incoming.include_usage,
                  .continuous_usage = incoming.continuous_usage,
                  .return_token_ids = incoming.call.sampling.return_token_ids.value_or(false),
                  .echo = incoming.chat_echo},
                 std::move(info)) {}

  void Append(const model::Delta& delta, std::string& out) override { encoder_.Append(delta, out); }
  void AppendEnd(const model::Usage& usage, std::string& out) override {
    encoder_.AppendEnd(usage, out);
  }
  void AppendError(const wire::ServerError& error, std::string& out) override {
    encoder_.AppendError(error, out);
  }
  std::string Whole(const model::Reply& reply) override {
    if (!calls_dropped_ && echo_.empty()) {
      return wire::EncodeReply(api_, reply, dialect_, call_forced_);
    }
    model::Reply changed = reply;
    for (model::Choice& choice : changed.choices) {
      choice.text.insert(0, echo_);
      if (calls_dropped_) choice.tool_calls.clear();
    }
    return wire::EncodeReply(api_, changed, dialect_, call_forced_);
  }

 private:
  const Api api_;
  const bool call_forced_;
  const bool calls_dropped_;
  const std::string echo_;
  const wire::Dialect& dialect_;
  wire::ChunkEncoder encoder_;
};

Task<void> ServeChat(Visit& visit) { return Generate(visit, Api::kChat, NewChatFormat); }

Task<void> ServeCompletions(Visit& visit) {
  return Generate(visit, Api::kCompletions, NewChatFormat);
}

constexpr Route kGenerateRoutes[] = {
    {"POST", "/v1/chat/completions", ServeChat},
    {"POST", "/v1/completions", ServeCompletions},
};

}  // namespace

void ReadHeaders(const Visit& visit, model::Call& call) {
  const http::Headers& headers = visit.exchange.head().headers;
  if (const auto id = headers.Find("X-Request-Id")) call.request_id = *id;
  if (const auto priority = headers.Find("X-Vllm-Priority")) {
    if (const auto number = ParseInt(*priority)) call.priority = number;
  }
}

// No coroutine: its frame would keep a second copy of the request as long as a stream goes on.
Task<void> Generate(Visit& visit, Api api, FormatMaker make) {
  if (std::optional<Refusal> refusal = RefuseMedia(visit)) {
    return RespondError(visit, *std::move(refusal));
  }
  auto read = wire::DecodeRequest(api, visit.exchange.body(), visit.dialect());
  if (!read) return RespondError(visit, RefusalOf(std::move(read).error()));
  auto incoming = std::make_shared<wire::IncomingCall>(*std::move(read));
  if (visit.core.options().switches.force_include_usage && incoming->stream) {
    incoming->include_usage = incoming->continuous_usage = true;
    incoming->call.continuous_usage = true;
  }
  // What would turn the tools down asks for the word, and null is none.
  if (incoming->null_choice && !visit.core.options().switches.auto_tool_choice) {
    incoming->call.tool_choice.kind = model::ToolChoice::Kind::kNone;
  }
  ReadHeaders(visit, incoming->call);
  return Answer(visit, std::move(incoming), make);
}

std::unique_ptr<AnswerFormat> NewChatFormat(std::shared_ptr<const wire::IncomingCall> incoming,
                                            const wire::Dialect& dialect, model::ReplyInfo info) {
  return std::make_unique<ChatFormat>(*incoming, dialect, std::move(info));
}

std::span<const Route> GenerateRoutes() { return kGenerateRoutes; }

}  // namespace weir::sim
