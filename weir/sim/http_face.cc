// The HTTP door: what a vLLM server says to a client.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/sim/core.h"
#include "weir/sim/playback.h"
#include "weir/wire/server_codec.h"

namespace weir::sim {
namespace {

using async::Context;
using async::Task;
using http::Exchange;
using http::Headers;
using model::Api;

constexpr std::size_t kWriteBytes = 16 * 1024;  // chunks that are due together go out together

enum class Door : std::uint8_t { kChat, kCompletions, kModels, kHealth, kVersion, kLoad };

struct Route {
  std::string_view method;
  std::string_view path;
  Door door;
};

constexpr Route kRoutes[] = {
    {"POST", "/v1/chat/completions", Door::kChat},
    {"POST", "/v1/completions", Door::kCompletions},
    {"GET", "/v1/models", Door::kModels},
    {"GET", "/health", Door::kHealth},
    {"GET", "/ping", Door::kHealth},
    {"POST", "/ping", Door::kHealth},
    {"GET", "/version", Door::kVersion},
    {"GET", "/load", Door::kLoad},
};

constexpr wire::Version kMoreGuarded{0, 22, 0};  // before it only /v1
constexpr wire::Version kCohereGuarded{0, 28, 0};

std::string_view PathOf(std::string_view target) { return target.substr(0, target.find('?')); }

bool IsJson(const Headers& headers) {
  const std::optional<std::string_view> type = headers.Find("Content-Type");
  if (!type) return false;
  const std::string_view media = type->substr(0, type->find(';'));
  return EqualsIgnoreCase(Trim(media), "application/json");
}

std::vector<Prompt> PromptsOf(const wire::IncomingCall& incoming) {
  std::vector<Prompt> prompts;
  for (const std::string& text : incoming.prompts) prompts.push_back({text, {}});
  for (const auto& ids : incoming.token_prompts) prompts.push_back({{}, ids});
  if (prompts.empty()) prompts.emplace_back();
  return prompts;
}

// One answer on its way out: the plan in the form of server-sent events.
class EventPlayer {
 public:
  EventPlayer(const Plan& plan, const wire::IncomingCall& incoming, const wire::Dialect& dialect,
              model::ReplyInfo info)
      : plan_(plan),
        encoder_({.api = incoming.call.api,
                  .dialect = dialect,
                  .include_usage = incoming.include_usage,
                  .continuous_usage = incoming.continuous_usage,
                  .return_token_ids = plan.return_token_ids},
                 std::move(info)) {}

  void Append(std::size_t step) {
    deltas_.clear();
    AppendStep(plan_, step, deltas_);
    for (const model::Delta& delta : deltas_) encoder_.Append(delta, out_);
  }
  void AppendEnd() { encoder_.AppendEnd(plan_.usage, out_); }

  // Sends what has come together, if anything.
  Task<Result<void>> Flush(Exchange& exchange) {
    if (out_.empty()) co_return Result<void>();
    const Result<void> written = co_await exchange.Write(out_);
    out_.clear();
    co_return written;
  }
  std::size_t size() const { return out_.size(); }

 private:
  const Plan& plan_;
  wire::ChunkEncoder encoder_;
  std::vector<model::Delta> deltas_;
  std::string out_;
};

class SimHandler final : public http::Handler {
 public:
  explicit SimHandler(std::shared_ptr<SimCore> core)
      : core_(std::move(core)), dialect_(core_->options().dialect) {}

  Task<void> Handle(Exchange& exchange) override {
    const std::string_view path = PathOf(exchange.head().target);
    if (!MayPass(exchange.head(), path)) {
      co_await RespondJson(exchange, 401, R"({"error":"Unauthorized"})");
      co_return;
    }
    const Route* route = nullptr;
    std::string allowed;
    for (const Route& candidate : kRoutes) {
      if (candidate.path != path) continue;
      if (candidate.method == exchange.head().method) route = &candidate;
      if (allowed.empty()) allowed = candidate.method;
    }
    if (route != nullptr) {
      co_await Serve(exchange, route->door);
    } else if (allowed.empty()) {
      co_await RespondJson(exchange, 404, R"({"detail":"Not Found"})");
    } else {
      Headers headers = json_headers_;
      headers.Add("allow", allowed);
      const std::string_view body = R"({"detail":"Method Not Allowed"})";
      (void)co_await exchange.Respond(405, headers, body);
    }
  }

 private:
  bool MayPass(const http::RequestHead& head, std::string_view path) const {
    const std::string& key = core_->options().api_key;
    if (key.empty() || head.method == "OPTIONS") return true;
    const bool more = dialect_.version >= kMoreGuarded;
    const bool guarded = path.starts_with("/v1") ||
                         (more && (path.starts_with("/v2") || path.starts_with("/inference"))) ||
                         (dialect_.version >= kCohereGuarded && path.starts_with("/cohere"));
    if (!guarded) return true;
    const std::optional<std::string_view> given = head.headers.Find("Authorization");
    if (!given) return false;
    const std::size_t blank = given->find(' ');
    return blank != given->npos && given->substr(blank + 1) == key &&
           EqualsIgnoreCase(given->substr(0, blank), "Bearer");
  }

  Task<void> Serve(Exchange& exchange, Door door) {
    switch (door) {
      case Door::kChat:
        co_return co_await Generate(exchange, Api::kChat);
      case Door::kCompletions:
        co_return co_await Generate(exchange, Api::kCompletions);
      case Door::kHealth:
        (void)co_await exchange.Respond(200, plain_headers_, "");
        co_return;
      case Door::kModels: {
        constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
        const std::int64_t now = exchange.context().loop->WallNanos() / kNanosPerSecond;
        const std::string models = wire::EncodeModels(core_->Models(), now);
        co_return co_await RespondJson(exchange, 200, models);
      }
      case Door::kVersion: {
        std::string body = R"({"version":)";
        json::AppendQuoted(body, core_->Version());
        body += '}';
        co_return co_await RespondJson(exchange, 200, body);
      }
      case Door::kLoad:  // vLLM counts only when it was started with a flag for it
        co_return co_await RespondJson(exchange, 200, R"({"server_load":0})");
    }
  }

  Task<void> Generate(Exchange& exchange, Api api) {
    if (!IsJson(exchange.head().headers)) {
      Refusal refusal;
      refusal.error.type = "Bad Request";
      refusal.error.message =
          "1 validation error:\n  Unsupported Media Type: Only 'application/json' is allowed";
      co_return co_await Refuse(exchange, refusal, false);
    }
    auto incoming = wire::DecodeRequest(api, exchange.body(), dialect_);
    if (!incoming) {
      Refusal refusal;
      refusal.error = std::move(incoming).error();
      co_return co_await Refuse(exchange, refusal, false);
    }
    if (const auto id = exchange.head().headers.Find("X-Request-Id")) {
      incoming->call.request_id = *id;
    }
    const std::vector<Prompt> prompts = PromptsOf(*incoming);
    const Outcome outcome = core_->Decide(incoming->call, prompts);
    if (outcome.delay > Duration::zero()) {
      const Result<void> waited = co_await async::Sleep(exchange.context(), outcome.delay);
      if (!waited) co_return;
    }
    if (const auto* refusal = std::get_if<Refusal>(&outcome.answer)) {
      co_await Refuse(exchange, *refusal, incoming->stream);
    } else if (const auto* raw = std::get_if<RawAnswer>(&outcome.answer)) {
      co_await RespondRaw(exchange, *raw, incoming->stream);
    } else if (incoming->stream) {
      co_await PlayStream(exchange, *incoming, std::get<Plan>(outcome.answer));
    } else {
      co_await PlayWhole(exchange, incoming->call, std::get<Plan>(outcome.answer));
    }
  }

  Task<void> PlayWhole(Exchange& exchange, model::Call& call, const Plan& plan) {
    const Context ctx = exchange.context();
    Result<Scheduler::Seat> seat = co_await core_->scheduler().Enter(ctx);
    if (!seat) {
      const Refusal busy = BusyRefusal();
      if (seat.error().code == Code::kBudgetExceeded) co_await Refuse(exchange, busy, false);
      co_return;
    }
    if (!plan.due.empty()) {
      const Result<void> waited = co_await WaitUntil(ctx, ctx.Now() + plan.due.back());
      if (!waited) co_return;
    }
    if (plan.drop_after) co_return exchange.Abort();
    if (plan.stall_after) {
      (void)co_await WaitForever(ctx);
      co_return;
    }
    seat->Release();
    model::ReplyInfo info = core_->NewInfo(plan, call.request_id, ctx.loop->WallNanos());
    const model::Reply reply = WholeReply(plan, std::move(info));
    const std::string body = wire::EncodeReply(call.api, reply, dialect_);
    co_await RespondJson(exchange, 200, body);
  }

  // The headers leave before the request has its turn: waiting is silence, as with the real one.
  Task<void> PlayStream(Exchange& exchange, wire::IncomingCall& incoming, const Plan& plan) {
    const Context ctx = exchange.context();
    const Result<void> begun = co_await exchange.Begin(200, event_headers_);
    if (!begun) co_return;
    Result<Scheduler::Seat> seat = co_await core_->scheduler().Enter(ctx);
    if (!seat) {
      if (seat.error().code == Code::kBudgetExceeded) {
        const Refusal busy = BusyRefusal();
        co_await SendErrorEvent(exchange, busy.error);
      }
      co_return;
    }
    const TimePoint started = ctx.Now();
    EventPlayer events(plan, incoming, dialect_,
                       core_->NewInfo(plan, incoming.call.request_id, ctx.loop->WallNanos()));
    const std::size_t steps = plan.steps();
    for (std::size_t step = 0; step < steps && !IsFault(plan, step); ++step) {
      const TimePoint due = plan.due.empty() ? started : started + plan.due[step];
      const bool early = due > ctx.Now();
      if (early || events.size() >= kWriteBytes) {
        const Result<void> sent = co_await events.Flush(exchange);
        if (!sent) co_return;
      }
      if (early) {
        const Result<void> waited = co_await WaitUntil(ctx, due);
        if (!waited) co_return;
      }
      events.Append(step);
    }
    seat->Release();
    co_await Close(exchange, plan, events);
  }

  static bool IsFault(const Plan& plan, std::size_t step) {
    return plan.drop_after == step || plan.stall_after == step;
  }

  // All steps are done, or a fault came first.
  Task<void> Close(Exchange& exchange, const Plan& plan, EventPlayer& events) {
    if (!plan.drop_after && !plan.stall_after) events.AppendEnd();
    const Result<void> sent = co_await events.Flush(exchange);
    if (!sent) co_return;
    if (plan.stall_after && (!plan.drop_after || *plan.stall_after < *plan.drop_after)) {
      (void)co_await WaitForever(exchange.context());
    } else if (plan.drop_after) {
      exchange.Abort();
    } else {
      (void)co_await exchange.End();
    }
  }

  Task<void> Refuse(Exchange& exchange, const Refusal& refusal, bool stream) {
    if (stream && refusal.stage == Refusal::Stage::kEngine) {
      const Result<void> begun = co_await exchange.Begin(200, event_headers_);
      if (begun) co_await SendErrorEvent(exchange, refusal.error);
      co_return;
    }
    Headers headers = json_headers_;
    if (!refusal.retry_after.empty()) headers.Add("retry-after", refusal.retry_after);
    const std::string body = wire::EncodeError(refusal.error, dialect_);
    (void)co_await exchange.Respond(refusal.error.status, headers, body);
  }

  Task<void> SendErrorEvent(Exchange& exchange, const wire::ServerError& error) {
    const std::string events =
        StrCat("data: ", wire::EncodeErrorEvent(error, dialect_), "\n\ndata: [DONE]\n\n");
    const Result<void> written = co_await exchange.Write(events);
    if (written) (void)co_await exchange.End();
  }

  Task<void> RespondRaw(Exchange& exchange, const RawAnswer& raw, bool stream) {
    Headers headers = stream ? event_headers_ : json_headers_;
    if (!raw.content_type.empty()) headers.Set("content-type", raw.content_type);
    (void)co_await exchange.Respond(200, headers, raw.body);
  }

  Task<void> RespondJson(Exchange& exchange, int status, std::string_view body) {
    (void)co_await exchange.Respond(status, json_headers_, body);
  }

  const std::shared_ptr<SimCore> core_;
  const wire::Dialect& dialect_;
  const Headers plain_headers_{http::Header{"server", "uvicorn"}};
  const Headers json_headers_ = {{"server", "uvicorn"}, {"content-type", "application/json"}};
  const Headers event_headers_ = {{"server", "uvicorn"},
                                  {"content-type", "text/event-stream; charset=utf-8"}};
};

}  // namespace

std::unique_ptr<http::Handler> NewSimHandler(std::shared_ptr<SimCore> core) {
  return std::make_unique<SimHandler>(std::move(core));
}

}  // namespace weir::sim
