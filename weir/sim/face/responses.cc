// The room of the Responses API: /v1/responses.

#include <utility>

#include "weir/sim/face/format.h"
#include "weir/wire/responses_server.h"

namespace weir::sim {
namespace {

using async::Task;

class ResponsesFormat final : public AnswerFormat {
 public:
  ResponsesFormat(const wire::IncomingCall& incoming, const wire::Dialect& dialect,
                  model::ReplyInfo info)
      : echo_(incoming.echo.value_or(wire::ResponsesEcho())),
        dialect_(dialect),
        encoder_(echo_, dialect, std::move(info)) {}

  void AppendBegin(std::string& out) override { encoder_.Begin(out); }
  void Append(const model::Delta& delta, std::string& out) override { encoder_.Append(delta, out); }
  void AppendEnd(const model::Usage& usage, std::string& out) override {
    encoder_.AppendEnd(usage, out);
  }
  void AppendError(const wire::ServerError& error, std::string& out) override {
    encoder_.AppendError(error, out);
  }
  std::string Whole(const model::Reply& reply) override {
    return wire::EncodeResponse(reply, echo_, dialect_);
  }

 private:
  const wire::ResponsesEcho echo_;
  const wire::Dialect& dialect_;
  wire::ResponsesEncoder encoder_;
};

std::unique_ptr<AnswerFormat> NewResponsesFormat(const wire::IncomingCall& incoming,
                                                 const wire::Dialect& dialect,
                                                 model::ReplyInfo info) {
  return std::make_unique<ResponsesFormat>(incoming, dialect, std::move(info));
}

Task<void> ServeResponses(Visit& visit) {
  return Generate(visit, model::Api::kResponses, NewResponsesFormat);
}

std::string_view LastOf(std::string_view path, std::string_view suffix) {
  path.remove_suffix(suffix.size());
  return path.substr(path.rfind('/') + 1);
}

Task<void> ServeStored(Visit& visit) {
  const std::string_view id = LastOf(visit.path(), "");
  std::optional<std::string> body = visit.core.responses().Get(id);
  if (body) co_return co_await RespondJson(visit, 200, *std::move(body));
  Refusal refusal;
  refusal.error = wire::ResponseNotFound(id);
  co_await RespondError(visit, refusal);
}

// What is kept here is finished: there is nothing left to cancel.
Task<void> ServeCancel(Visit& visit) {
  const std::string_view id = LastOf(visit.path(), "/cancel");
  Refusal refusal;
  if (!visit.core.responses().Get(id)) {
    refusal.error = wire::ResponseNotFound(id);
  } else {
    refusal.error = {.status = 400,
                     .type = "invalid_request_error",
                     .message = "Cannot cancel a synchronous response."};
  }
  co_await RespondError(visit, refusal);
}

constexpr wire::Version kSince{0, 10, 0};

bool HasResponses(const SimOptions& options) {
  return options.dialect.kind != wire::ServerKind::kOllama && options.dialect.version >= kSince;
}

constexpr Route kRoutes[] = {
    {"POST", "/v1/responses", ServeResponses, HasResponses},
    {"GET", "/v1/responses/*", ServeStored, HasResponses},
    {"POST", "/v1/responses/*/cancel", ServeCancel, HasResponses},
};

}  // namespace

std::span<const Route> ResponsesRoutes() { return kRoutes; }

}  // namespace weir::sim
