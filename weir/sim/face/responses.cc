// The room of the Responses API: /v1/responses.

#include <utility>

#include "weir/sim/face/format.h"
#include "weir/sim/face/refuse.h"
#include "weir/wire/responses_server.h"

namespace weir::sim {
namespace {

using async::Task;

// A request on its way through Answer(), with what keeping its response takes.
struct ResponsesOrder : wire::IncomingCall {
  Visit* visit = nullptr;
  bool kept = false;
  std::vector<model::Message> talk;  // kept: all that was said before the response

  bool has_rules() const { return !echo->instructions.value_or("").empty(); }
};

model::Message TurnOf(const model::Reply& reply) {
  model::Message turn{.role = model::Role::kAssistant};
  if (reply.choices.empty()) return turn;
  const model::Choice& choice = reply.choices.front();
  if (!choice.text.empty()) {
    turn.parts.push_back({.kind = model::Part::Kind::kText, .text = choice.text});
  }
  turn.reasoning = choice.reasoning;
  turn.tool_calls = choice.tool_calls;
  return turn;
}

class ResponsesFormat final : public AnswerFormat {
 public:
  ResponsesFormat(std::shared_ptr<const ResponsesOrder> order, const wire::Dialect& dialect,
                  model::ReplyInfo info)
      : kept_(std::move(order)),
        echo_(*order_.echo),
        dialect_(dialect),
        info_(std::move(info)),
        encoder_(echo_, dialect, info_) {}

  void AppendBegin(std::string& out) override { encoder_.Begin(out); }
  void Append(const model::Delta& delta, std::string& out) override {
    encoder_.Append(delta, out);
    if (order_.kept) streamed_.Add(delta);
  }
  void AppendEnd(const model::Usage& usage, std::string& out) override {
    encoder_.AppendEnd(usage, out);
    if (!order_.kept) return;
    model::Reply reply = std::move(streamed_).Finish(info_);
    reply.usage = usage;
    Keep(reply, wire::EncodeResponse(reply, echo_, dialect_));
  }
  void AppendError(const wire::ServerError& error, std::string& out) override {
    encoder_.AppendError(error, out);
  }
  std::string Whole(const model::Reply& reply) override {
    std::string body = wire::EncodeResponse(reply, echo_, dialect_);
    if (order_.kept) Keep(reply, body);
    return body;
  }

 private:
  void Keep(const model::Reply& reply, std::string body) const {
    std::vector<model::Message> talk = order_.talk;
    talk.push_back(TurnOf(reply));
    order_.visit->core.responses().Put(reply.info.id, {std::move(body), std::move(talk)});
  }

  const std::shared_ptr<const ResponsesOrder> kept_;
  const ResponsesOrder& order_ = *kept_;
  const wire::ResponsesEcho echo_;
  const wire::Dialect& dialect_;
  const model::ReplyInfo info_;
  wire::ResponsesEncoder encoder_;
  model::Assembler streamed_;
};

std::unique_ptr<AnswerFormat> NewResponsesFormat(std::shared_ptr<const wire::IncomingCall> incoming,
                                                 const wire::Dialect& dialect,
                                                 model::ReplyInfo info) {
  return std::make_unique<ResponsesFormat>(
      std::static_pointer_cast<const ResponsesOrder>(std::move(incoming)), dialect,
      std::move(info));
}

// Goes on from the response that the request names. The instructions of then are not repeated.
std::optional<wire::ServerError> Recall(ResponsesOrder& order) {
  SimCore& core = order.visit->core;
  const bool keeps = core.options().switches.responses_store;
  const wire::ResponsesEcho& echo = *order.echo;
  if (echo.background) return wire::RefuseBackground(keeps);
  std::vector<model::Message>& messages = order.call.messages;
  const auto begin = messages.begin() + (order.has_rules() ? 1 : 0);
  if (!echo.previous_response_id.empty()) {
    const auto earlier = core.responses().Get(echo.previous_response_id);
    if (earlier == nullptr) return wire::ResponseNotFound(echo.previous_response_id);
    messages.insert(begin, earlier->talk.begin(), earlier->talk.end());
  }
  order.kept = keeps && echo.store;
  if (order.kept) {
    order.talk.assign(messages.begin() + (order.has_rules() ? 1 : 0), messages.end());
  }
  return std::nullopt;
}

Task<void> ServeResponses(Visit& visit) {
  if (const std::optional<Refusal> refusal = RefuseMedia(visit)) {
    co_return co_await RespondError(visit, *refusal);
  }
  auto incoming =
      wire::DecodeRequest(model::Api::kResponses, visit.exchange.body(), visit.dialect());
  if (!incoming) {
    const Refusal refusal = RefusalOf(std::move(incoming).error());
    co_return co_await RespondError(visit, refusal);
  }
  if (const auto found = visit.core.ModelOf(incoming->call); !found) {
    co_return co_await RespondError(visit, found.error());
  }
  auto order = std::make_shared<ResponsesOrder>();
  static_cast<wire::IncomingCall&>(*order) = *std::move(incoming);
  order->visit = &visit;
  if (auto error = Recall(*order)) {
    const Refusal refusal = RefusalOf(*std::move(error));
    co_return co_await RespondError(visit, refusal);
  }
  ReadHeaders(visit, order->call);
  co_await Answer(visit, std::move(order), NewResponsesFormat);
}

std::string_view LastOf(std::string_view path, std::string_view suffix) {
  path.remove_suffix(suffix.size());
  return path.substr(path.rfind('/') + 1);
}

Task<void> ServeStored(Visit& visit) {
  const std::string_view id = LastOf(visit.path(), "");
  const auto kept = visit.core.responses().Get(id);
  if (kept != nullptr) co_return co_await RespondJson(visit, 200, kept->body);
  const Refusal refusal = RefusalOf(wire::ResponseNotFound(id));
  co_await RespondError(visit, refusal);
}

// What is kept here is finished: there is nothing left to cancel.
Task<void> ServeCancel(Visit& visit) {
  const std::string_view id = LastOf(visit.path(), "/cancel");
  wire::ServerError error{.type = "invalid_request_error",
                          .message = "Cannot cancel a synchronous response."};
  if (!visit.core.responses().Get(id)) error = wire::ResponseNotFound(id);
  const Refusal refusal = RefusalOf(std::move(error));
  co_await RespondError(visit, refusal);
}

constexpr wire::Version kSince{0, 10, 0};

bool HasResponses(const SimOptions& options) {
  return options.dialect.kind != wire::ServerKind::kOllama && options.dialect.version >= kSince;
}

constexpr Route kResponsesRoutes[] = {
    {"POST", "/v1/responses", ServeResponses, HasResponses},
    {"GET", "/v1/responses/*", ServeStored, HasResponses},
    {"POST", "/v1/responses/*/cancel", ServeCancel, HasResponses},
};

}  // namespace

std::span<const Route> ResponsesRoutes() { return kResponsesRoutes; }

}  // namespace weir::sim
