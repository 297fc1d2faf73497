#include "weir/engine/http_engine.h"

#include <mutex>

#include "weir/base/text.h"
#include "weir/http/sse.h"
#include "weir/json/builder.h"

namespace weir::engine {
namespace {

constexpr int kRequestIdDigits = 32;

// The call as this engine sends it: its own model and extra fields where the call names none.
model::Call WithDefaults(const HttpEngineOptions& options, const model::Call& call) {
  model::Call filled = call;
  if (filled.model.empty()) filled.model = options.model;
  if (!options.extra.IsObject()) return filled;
  if (!filled.extra.IsObject()) {
    filled.extra = options.extra;
    return filled;
  }
  json::Builder builder;
  builder.BeginObject();
  for (const auto& [key, value] : options.extra.members()) {
    if (filled.extra.Find(key).exists()) continue;
    builder.Key(key);
    builder.Copy(value);
  }
  for (const auto& [key, value] : filled.extra.members()) {
    builder.Key(key);
    builder.Copy(value);
  }
  builder.EndObject();
  filled.extra = std::move(builder).Finish();
  return filled;
}

bool NeedsDefaults(const HttpEngineOptions& options, const model::Call& call) {
  return options.extra.IsObject() || (call.model.empty() && !options.model.empty());
}

bool IsEmpty(const model::Choice& choice) {
  return choice.text.empty() && choice.reasoning.empty() && choice.refusal.empty() &&
         choice.tool_calls.empty() && choice.finish != model::Finish::kLength;
}

Error EmptyReply(const std::string& where) {
  return Error{.code = Code::kEmptyModelResponse,
               .message = StrCat(where,
                                 " answered with nothing: no text, no reasoning, no tool call; try "
                                 "again, or check the chat template and the stop texts")};
}

class HttpReplyStream final : public model::ReplyStream {
 public:
  HttpReplyStream(model::Api api, TimePoint start, const std::string& where)
      : decoder_(api), start_(start), where_(where) {}

  // Filled while the request is prepared, and the response once it is there.
  model::ReplyInfo& own_info() { return info_; }
  void Attach(std::unique_ptr<http::Response> response) { response_ = std::move(response); }

  async::Task<Result<bool>> Next(async::Context ctx, model::Delta& piece) override;

  model::ReplyInfo info() const override {
    model::ReplyInfo info = decoder_.info();
    info.engine = info_.engine;
    info.request_id = info_.request_id;
    info.degradations = info_.degradations;
    info.first_token = info_.first_token;
    info.total = info_.total;
    return info;
  }

 private:
  // Decodes one event of those that are buffered; false when they hold no further piece.
  Result<bool> Decode(model::Delta& piece, const async::Context& ctx);
  std::optional<Error> VerdictAtEnd() const;
  async::Task<Result<bool>> End(async::Context ctx);

  std::unique_ptr<http::Response> response_;
  model::ReplyInfo info_;
  http::SseReader sse_;
  wire::ChunkDecoder decoder_;
  const TimePoint start_;
  const std::string& where_;  // the upstream's name, which outlives its streams
  bool done_ = false;         // [DONE] has come
  bool ended_ = false;        // Next() has returned false
  bool content_ = false;      // some piece had something in it
  std::optional<Error> failure_;
};

async::Task<Result<bool>> HttpReplyStream::Next(async::Context ctx, model::Delta& piece) {
  if (ended_) co_return false;
  while (!failure_) {
    const Result<bool> decoded = Decode(piece, ctx);
    if (!decoded) {
      failure_ = decoded.error();
    } else if (*decoded) {
      co_return true;
    } else if (done_) {
      co_return co_await End(ctx);
    } else if (const auto bytes = response_->Poll()) {
      if (*bytes && (*bytes)->empty()) co_return co_await End(ctx);
      const Result<void> fed =
          *bytes ? sse_.Feed(**bytes) : Result<void>(std::unexpect, bytes->error());
      if (!fed) failure_ = fed.error();
    } else {
      const http::IoResult read = co_await response_->Wait(ctx);
      response_->Take(read);
    }
  }
  response_.reset();
  info_.total = ctx.Now() - start_;
  co_return Fail(*failure_);
}

Result<bool> HttpReplyStream::Decode(model::Delta& piece, const async::Context& ctx) {
  http::SseEvent event;
  while (!done_ && sse_.Next(event)) {
    WEIR_TRY(const wire::ChunkDecoder::Kind kind, decoder_.Decode(event.data, piece));
    if (kind == wire::ChunkDecoder::Kind::kDone) {
      done_ = true;
    } else if (kind == wire::ChunkDecoder::Kind::kDelta) {
      content_ = content_ || !piece.text.empty() || !piece.reasoning.empty() ||
                 !piece.tool_calls.empty() || piece.finish == model::Finish::kLength;
      if (info_.first_token == Duration::zero()) {
        const async::Span span(ctx, "wire.decode");  // once: a span a token would drown the rest
        info_.first_token = ctx.Now() - start_;
      }
      return true;
    }
  }
  return false;
}

// The stream is over, cleanly only if every choice has said why it ended.
async::Task<Result<bool>> HttpReplyStream::End(async::Context ctx) {
  const Result<void> events = sse_.Finish();
  failure_ = events ? VerdictAtEnd() : events.error();
  if (done_ && !failure_) {
    // What follows [DONE] is the end of the HTTP body; reading it frees the connection for others.
    const Result<std::string_view> rest = co_await response_->Read(ctx);
    if (!rest && rest.error().code == Code::kCancelled) failure_ = rest.error();
  }
  response_.reset();
  info_.total = ctx.Now() - start_;
  if (failure_) co_return Fail(*failure_);
  ended_ = true;
  co_return false;
}

std::optional<Error> HttpReplyStream::VerdictAtEnd() const {
  if (!decoder_.finished()) {
    return Error{
        .code = Code::kStreamTruncated,
        .message = StrCat(where_, " ended the stream ", content_ ? "after a part of" : "before",
                          " the answer, without a finish reason; the server or a proxy cut "
                          "it off: look at its log, or try again")};
  }
  if (!done_ && response_->ended_by_close()) {
    return Error{.code = Code::kStreamTruncated,
                 .message = StrCat(where_, " closed the connection instead of ending the stream")};
  }
  if (!content_) return EmptyReply(where_);
  return std::nullopt;
}

bool IsEventStream(const http::Response& response) {
  const std::optional<std::string_view> type = response.headers().Find("Content-Type");
  return type && ToLower(*type).starts_with("text/event-stream");
}

class HttpEngine final : public model::Engine {
 public:
  HttpEngine(HttpEngineOptions options, std::unique_ptr<Upstream> upstream)
      : options_(std::move(options)), upstream_(std::move(upstream)), ids_(Random::FromSystem()) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.http");
    async::Context inside = span.context();
    const TimePoint start = ctx.Now();
    model::ReplyInfo info;
    Result<wire::EncodedRequest> request = Encode(inside, call, false, info);
    if (!request) {
      span.Fail(request.error());
      co_return Fail(std::move(request).error());
    }
    inside.request_id = info.request_id;
    const Result<std::unique_ptr<http::Response>> response = co_await upstream_->Exchange(
        inside, "POST", request->path, std::move(request->body), TimeoutsOf(call));
    if (!response) {
      span.Fail(response.error());
      co_return Fail(response.error());
    }
    const Result<std::string> body = co_await (*response)->ReadAll(inside, limits::kReplyBodyBytes);
    if (!body) {
      span.Fail(body.error());
      co_return Fail(body.error());
    }
    info.total = ctx.Now() - start;
    Result<model::Reply> reply = Decode(inside, call.api, *body, info);
    if (!reply) span.Fail(reply.error());
    co_return reply;
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.http");
    async::Context inside = span.context();
    auto stream = std::make_unique<HttpReplyStream>(call.api, ctx.Now(), upstream_->name());
    Result<wire::EncodedRequest> request = Encode(inside, call, true, stream->own_info());
    if (!request) {
      span.Fail(request.error());
      co_return Fail(std::move(request).error());
    }
    inside.request_id = stream->own_info().request_id;
    Result<std::unique_ptr<http::Response>> response = co_await upstream_->Exchange(
        inside, "POST", request->path, std::move(request->body), TimeoutsOf(call));
    if (response && !IsEventStream(**response)) {
      response = std::unexpected<Error>(co_await NotAStream(inside, **response));
    }
    if (!response) {
      span.Fail(response.error());
      co_return Fail(std::move(response).error());
    }
    stream->Attach(*std::move(response));
    co_return stream;
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    async::Span span(ctx, "engine.describe");
    WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
                co_await upstream_->Exchange(span.context(), "GET", "/v1/models", "",
                                             upstream_->options().timeouts));
    WEIR_CO_TRY(const std::string body,
                co_await response->ReadAll(span.context(), limits::kReplyBodyBytes));
    WEIR_CO_TRY(std::vector<model::ModelEntry> models, wire::DecodeModels(body));
    co_return model::EngineInfo{.name = options_.name,
                                .kind = "vllm",
                                .base_url = upstream_->options().base_url,
                                .model = options_.model,
                                .models = std::move(models)};
  }

 private:
  Result<wire::EncodedRequest> Encode(const async::Context& ctx, const model::Call& call,
                                      bool stream, model::ReplyInfo& info);
  Result<model::Reply> Decode(const async::Context& ctx, model::Api api, std::string_view body,
                              model::ReplyInfo& info) const;
  async::Task<Error> NotAStream(async::Context ctx, http::Response& response);
  std::string NewRequestId();

  model::Timeouts TimeoutsOf(const model::Call& call) const {
    return call.timeouts ? *call.timeouts : upstream_->options().timeouts;
  }

  const HttpEngineOptions options_;
  const std::unique_ptr<Upstream> upstream_;
  std::mutex ids_mutex_;
  Random ids_;
};

// Old servers crash on two requests of one id, so each try has its own unless the caller chose one.
std::string HttpEngine::NewRequestId() {
  const std::scoped_lock lock(ids_mutex_);
  return HexId(ids_, kRequestIdDigits);
}

// Notes in `info` what the reply will say about its request.
Result<wire::EncodedRequest> HttpEngine::Encode(const async::Context& ctx, const model::Call& call,
                                                bool stream, model::ReplyInfo& info) {
  async::Span span(ctx, "wire.encode");
  info.engine = options_.name;
  info.request_id = call.request_id;
  if (info.request_id.empty()) info.request_id = NewRequestId();
  const wire::EncodeOptions how{.dialect = upstream_->options().dialect, .stream = stream};
  Result<wire::EncodedRequest> request =
      NeedsDefaults(options_, call) ? wire::EncodeRequest(WithDefaults(options_, call), how)
                                    : wire::EncodeRequest(call, how);
  if (request) {
    info.degradations = std::move(request->degradations);
  } else {
    span.Fail(request.error());
  }
  return request;
}

// The reply, with what `info` knows of its request.
Result<model::Reply> HttpEngine::Decode(const async::Context& ctx, model::Api api,
                                        std::string_view body, model::ReplyInfo& info) const {
  async::Span span(ctx, "wire.decode");
  Result<model::Reply> reply = wire::DecodeReply(api, body);
  if (reply && std::ranges::all_of(reply->choices, IsEmpty)) {
    reply = std::unexpected<Error>(EmptyReply(upstream_->name()));
  }
  if (!reply) {
    span.Fail(reply.error());
    return reply;
  }
  reply->info.engine = std::move(info.engine);
  reply->info.request_id = std::move(info.request_id);
  reply->info.degradations = std::move(info.degradations);
  reply->info.total = info.total;
  return reply;
}

// A 200 that is no event stream: a JSON error, a whole reply from a server that cannot stream, or
// the page of a proxy.
async::Task<Error> HttpEngine::NotAStream(async::Context ctx, http::Response& response) {
  const std::string named(response.headers().Find("Content-Type").value_or("no content type"));
  const Result<std::string> body = co_await response.ReadAll(ctx, limits::kErrorBodyBytes);
  if (!body) co_return body.error();
  Error error{.code = Code::kProtocolError,
              .message = StrCat(upstream_->name(), " answered a streamed call with ", named,
                                " instead of an event stream; is this the address of a model "
                                "server, or does a proxy stand in front of it?")};
  error.cause = wire::DecodeError(200, *body).message;
  co_return error;
}

}  // namespace

Result<std::unique_ptr<model::Engine>> NewHttpEngine(HttpEngineOptions options,
                                                     http::Client& client) {
  WEIR_TRY(std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  return std::make_unique<HttpEngine>(std::move(options), std::move(upstream));
}

Result<RequestPreview> PreviewRequest(const HttpEngineOptions& options, http::Client& client,
                                      const model::Call& call, bool stream) {
  WEIR_TRY(const std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  const wire::EncodeOptions how{.dialect = options.upstream.dialect, .stream = stream};
  WEIR_TRY(wire::EncodedRequest encoded, wire::EncodeRequest(WithDefaults(options, call), how));
  return upstream->Preview("POST", encoded.path, std::move(encoded.body));
}

}  // namespace weir::engine
