#include "weir/engine/http_engine.h"

#include <algorithm>
#include <mutex>
#include <set>

#include "weir/base/text.h"
#include "weir/engine/answers.h"
#include "weir/engine/dialect_cache.h"
#include "weir/engine/feedback.h"
#include "weir/engine/http_stream.h"
#include "weir/engine/withheld.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"

namespace weir::engine {
namespace {

constexpr int kRequestIdDigits = 32;
constexpr std::size_t kMostWarnings = 256;  // of one engine
constexpr std::size_t kShownBytes = 200;    // of a body that is no answer
// Completions end after 16 tokens when nobody says otherwise, and chats do not.
constexpr std::int64_t kDefaultMaxTokens = 1024;

// The raw fields of both, of which the call's own win.
json::Value Merged(const json::Value& defaults, const json::Value& own) {
  if (!own.IsObject()) return defaults;
  json::Builder builder;
  builder.BeginObject();
  for (const auto& [key, value] : defaults.members()) {
    if (own.Find(key).exists()) continue;
    builder.Key(key);
    builder.Copy(value);
  }
  for (const auto& [key, value] : own.members()) {
    builder.Key(key);
    builder.Copy(value);
  }
  builder.EndObject();
  return std::move(builder).Finish();
}

bool SendsOtherConstraint(const HttpEngineOptions& options, const model::Call& call) {
  if (!call.constraint) return false;
  if (options.send_constraint == SendConstraint::kNothing) return true;
  return options.send_constraint == SendConstraint::kJsonObject &&
         call.constraint->kind == model::Constraint::Kind::kJsonSchema;
}

// OpenAI refuses to be asked for JSON by messages that do not have the word.
bool LacksTheWord(const HttpEngineOptions& options, const model::Call& call) {
  if (options.kind != wire::ServerKind::kOpenAi || !call.constraint || call.messages.empty() ||
      call.constraint->kind != model::Constraint::Kind::kJsonObject) {
    return false;
  }
  return std::ranges::none_of(call.messages, [](const model::Message& message) {
    return ToLower(message.AllText()).find("json") != std::string::npos;
  });
}

Result<void> CheckLogprobs(const HttpEngineOptions& options, const model::Sampling& sampling) {
  const std::int64_t asked =
      std::max(sampling.logprobs.value_or(0), sampling.prompt_logprobs.value_or(0));
  if (asked <= options.max_logprobs) return {};
  return Fail(Code::kInvalidRequest,
              StrCat("logprobs of ", asked, " are above the limit of ", options.max_logprobs,
                     ", which is vLLM's own; raise it on both sides: vllm serve --max-logprobs, "
                     "and `defaults.max_logprobs` of the engine"));
}

bool GoesElsewhere(const HttpEngineOptions& options, const model::Call& call) {
  return call.api == model::Api::kChat && options.api != model::Api::kChat;
}

// Whether the call is sent as it is.
bool IsReady(const HttpEngineOptions& options, const model::Call& call) {
  return !options.extra.IsObject() && (!call.model.empty() || options.model.empty()) &&
         !GoesElsewhere(options, call) && !SendsOtherConstraint(options, call) &&
         !LacksTheWord(options, call);
}

// The call as this engine sends it: with its own model and extra fields where the call names none,
// and its messages as one prompt when it speaks to the completions API.
Result<model::Call> Prepared(const HttpEngineOptions& options, const model::Call& call) {
  model::Call ready = call;
  if (ready.model.empty()) ready.model = options.model;
  if (options.extra.IsObject()) ready.extra = Merged(options.extra, call.extra);
  const bool other = SendsOtherConstraint(options, call);
  if (!call.messages.empty() && (other || LacksTheWord(options, call))) {
    InstructAbout(ready.messages, *call.constraint);
  }
  if (other) {
    ready.constraint.reset();
    if (options.send_constraint == SendConstraint::kJsonObject) {
      ready.constraint = model::Constraint{.kind = model::Constraint::Kind::kJsonObject};
    }
  }
  if (!GoesElsewhere(options, call)) return ready;
  ready.api = options.api;
  if (ready.api == model::Api::kCompletions) {
    if (!ready.sampling.max_tokens) ready.sampling.max_tokens = kDefaultMaxTokens;
    WEIR_TRY(ready.prompt, PromptOf(call.messages, options.prompt_format));
    ready.messages.clear();
    for (std::string& stop : StopsOf(options.prompt_format)) {
      if (std::ranges::find(ready.sampling.stop, stop) == ready.sampling.stop.end()) {
        ready.sampling.stop.push_back(std::move(stop));
      }
    }
  }
  return ready;
}

bool IsEventStream(const http::Response& response, Framing framing) {
  const std::optional<std::string_view> type = response.headers().Find("Content-Type");
  if (!type) return false;
  const std::string lower = ToLower(*type);
  if (framing == Framing::kServerSentEvents) return lower.starts_with("text/event-stream");
  return lower.starts_with("application/x-ndjson") || lower.starts_with("application/json");
}

bool DependsOnDialect(const Error& error) {
  return error.code == Code::kUnsupportedParam || error.code == Code::kUnsupportedConstraint;
}

// Log-probabilities of the prompt come with whole replies only, and beams have no order of coming.
bool SaysAllInPieces(const model::Call& call) {
  return !call.sampling.prompt_logprobs && !call.sampling.beam_width && !call.sampling.best_of;
}

bool IsJson(std::string_view content_type) {
  return ToLower(content_type).starts_with("application/json");
}

// Whether it is one of the envelopes that errors come in.
bool HoldsError(std::string_view body) {
  const Result<json::Value> root = json::Read(body);
  if (!root) return false;
  const json::View error = root->Find("error");
  return error.IsObject() || error.IsString() || root->Find("object").StringOr("") == "error";
}

// Of a whole reply nothing has reached anybody: another try, or another server, gives it whole.
bool IsAborted(const model::Reply& reply) {
  return std::ranges::any_of(reply.choices, [](const model::Choice& choice) {
    return choice.finish == model::Finish::kAbort;
  });
}

// The decoder sees the body alone, and takes the usual status for granted.
void TellStatus(Error& error, int status) {
  constexpr int kOk = 200;
  if (error.code != Code::kProtocolError || status == kOk) return;
  StrAppend(error.message, " (its status was ", status, ")");
}

// What is sent for a call, and what the reply will say about it.
struct Outgoing {
  wire::EncodedRequest request;
  model::Api api = model::Api::kChat;
  model::ReplyInfo info;
};

class HttpEngine final : public model::Engine {
 public:
  HttpEngine(HttpEngineOptions options, std::unique_ptr<Adapter> adapter,
             std::unique_ptr<Upstream> upstream)
      : options_(std::move(options)),
        adapter_(std::move(adapter)),
        upstream_(std::move(upstream)),
        dialect_(*adapter_, *upstream_),
        ids_(Random::FromSystem()) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    if (options_.stream_inside && SaysAllInPieces(call)) co_return co_await Gather(ctx, call);
    async::Span span(ctx, "engine.http");
    async::Context inside = span.context();
    const TimePoint start = ctx.Now();
    const std::optional<wire::Dialect> known = dialect_.Known(start);
    Result<Outgoing> out = Encode(inside, call, false, known);
    if (!known && MayBeWrong(out)) out = co_await EncodeAsked(inside, call, false);
    if (!out) {
      span.Fail(out.error());
      co_return Fail(std::move(out).error());
    }
    inside.request_id = out->info.request_id;
    WarnOfExtra(inside, call, out->info);
    WarnOfPromptLogprobs(inside, call);
    const std::unique_ptr<WireLog> log = NewLog(inside, call);
    const Result<std::unique_ptr<http::Response>> response =
        co_await upstream_->Exchange(inside, "POST", out->request.path,
                                     std::move(out->request.body), TimeoutsOf(call), log.get());
    if (!response) {
      Error error = response.error();
      ExplainSilence(error, call, ctx.Now() - start);
      span.Fail(error);
      co_return Fail(About(call, std::move(error), inside));
    }
    std::string body;
    const Result<void> whole =
        co_await ReadBody(inside, **response, limits::kReplyBodyBytes, log.get(), body);
    if (!whole) {
      span.Fail(whole.error());
      co_return Fail(About(call, whole.error(), inside));
    }
    out->info.total = ctx.Now() - start;
    Result<model::Reply> reply = Decode(inside, *out, body);
    if (!reply) {
      TellStatus(reply.error(), (*response)->status());
      span.Fail(reply.error());
      reply = std::unexpected<Error>(About(call, std::move(reply).error(), inside));
    }
    co_return reply;
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    async::Span span(ctx, "engine.http");
    async::Context inside = span.context();
    const TimePoint start = ctx.Now();
    const std::optional<wire::Dialect> known = dialect_.Known(start);
    Result<Outgoing> out = Encode(inside, call, true, known);
    if (!known && MayBeWrong(out)) out = co_await EncodeAsked(inside, call, true);
    if (!out) {
      span.Fail(out.error());
      co_return Fail(std::move(out).error());
    }
    inside.request_id = out->info.request_id;
    WarnOfExtra(inside, call, out->info);
    std::unique_ptr<WireLog> log = NewLog(inside, call);
    Result<std::unique_ptr<http::Response>> response =
        co_await upstream_->Exchange(inside, "POST", out->request.path,
                                     std::move(out->request.body), TimeoutsOf(call), log.get());
    if (response && !IsEventStream(**response, adapter_->framing(out->api))) {
      response =
          std::unexpected<Error>(co_await NotAStream(inside, out->api, **response, log.get()));
    }
    if (!response) {
      span.Fail(response.error());
      co_return Fail(About(call, std::move(response).error(), inside));
    }
    auto stream = std::make_unique<HttpReplyStream>(*adapter_, out->api, start, *upstream_);
    out->info.model = call.model.empty() ? options_.model : call.model;
    stream->Attach(std::move(out->info), *std::move(response), std::move(log));
    if (out->request.quoted_answer) stream->Unquote();
    co_return stream;
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    async::Span span(ctx, "engine.describe");
    WEIR_CO_TRY(std::vector<model::ModelEntry> models,
                co_await ListModels(span.context(), *upstream_, *adapter_));
    model::EngineInfo info{.name = options_.name,
                           .kind = std::string(adapter_->kind()),
                           .base_url = upstream_->options().base_url,
                           .model = options_.model,
                           .models = std::move(models)};
    // A server that lists its models is there, also when it does not tell its version.
    const Result<wire::Dialect> dialect = co_await dialect_.Ask(span.context());
    if (dialect) {
      info.dialect = dialect->name;
      info.version = dialect_.Version();
    }
    co_return info;
  }

 private:
  // Without a dialect the latest is assumed, which is right for most calls.
  Result<Outgoing> Encode(const async::Context& ctx, const model::Call& call, bool stream,
                          std::optional<wire::Dialect> dialect);
  async::Task<Result<Outgoing>> EncodeAsked(async::Context ctx, const model::Call& call,
                                            bool stream);
  Result<model::Reply> Decode(const async::Context& ctx, Outgoing& out,
                              std::string_view body) const;
  async::Task<Error> NotAStream(async::Context ctx, model::Api api, http::Response& response,
                                WireLog* log);
  bool IsNews(std::string what);  // that was not warned of before
  void WarnOfExtra(const async::Context& ctx, const model::Call& call, model::ReplyInfo& info);
  void WarnOfPromptLogprobs(const async::Context& ctx, const model::Call& call);
  // Null unless somebody is to be told of the bytes.
  std::unique_ptr<WireLog> NewLog(const async::Context& ctx, const model::Call& call) const;
  async::Task<Result<model::Reply>> Gather(async::Context ctx, const model::Call& call);
  std::string NewRequestId();

  // Whether what was encoded for the assumed dialect may be wrong for the one that is there.
  static bool MayBeWrong(const Result<Outgoing>& out) {
    return out ? out->request.version_matters : DependsOnDialect(out.error());
  }

  model::Timeouts TimeoutsOf(const model::Call& call) const {
    return call.timeouts ? *call.timeouts : upstream_->options().timeouts;
  }

  // Behind the error of a call that was sent, it says who was asked for what.
  Error About(const model::Call& call, Error error, const async::Context& ctx) const {
    HideSecrets(*upstream_->secrets(), error);
    model::CallTrail trail = model::TrailOf(error);
    trail.info.engine = options_.name;
    trail.info.model = call.model.empty() ? options_.model : call.model;
    trail.info.request_id = ctx.request_id;
    SetTrail(error, std::move(trail));
    return error;
  }

  // A whole answer that was written for longer than a first token may take.
  void ExplainSilence(Error& error, const model::Call& call, Duration waited) const {
    const Duration limit = TimeoutsOf(call).first_token;
    // Clocks may ring a tick early.
    constexpr Duration kTick = std::chrono::milliseconds(20);
    if (error.code != Code::kTimeout || limit == Duration::zero() || waited + kTick < limit) return;
    error.message +=
        "; a whole answer has to be written within that time, unless the engine has "
        "`stream_inside: true`";
  }

  const HttpEngineOptions options_;
  const std::unique_ptr<Adapter> adapter_;
  const std::unique_ptr<Upstream> upstream_;
  DialectCache dialect_;
  std::mutex ids_mutex_;
  Random ids_;
  std::mutex warned_mutex_;
  std::set<std::string> warned_of_;  // guarded by warned_mutex_
};

// Old servers crash on two requests of one id, so each try has its own unless the caller chose one.
std::string HttpEngine::NewRequestId() {
  const std::scoped_lock lock(ids_mutex_);
  return HexId(ids_, kRequestIdDigits);
}

Result<Outgoing> HttpEngine::Encode(const async::Context& ctx, const model::Call& call, bool stream,
                                    std::optional<wire::Dialect> dialect) {
  async::Span span(ctx, "wire.encode");
  const wire::EncodeOptions how{.dialect = dialect ? *std::move(dialect) : dialect_.assumed(),
                                .stream = stream,
                                .degrade = options_.degrade};
  Outgoing out{.request = {}, .api = call.api, .info = {}};
  Result<wire::EncodedRequest> request;
  if (const Result<void> few = CheckLogprobs(options_, call.sampling); !few) {
    request = std::unexpected<Error>(few.error());
  } else if (IsReady(options_, call)) {
    request = adapter_->Encode(call, how);
  } else if (const Result<model::Call> ready = Prepared(options_, call); ready) {
    out.api = ready->api;
    request = adapter_->Encode(*ready, how);
  } else {
    request = std::unexpected<Error>(ready.error());
  }
  if (!request) {
    span.Fail(request.error());
    return Fail(std::move(request).error());
  }
  out.info.engine = options_.name;
  out.info.request_id = call.request_id;
  if (out.info.request_id.empty()) out.info.request_id = ctx.request_id;
  if (out.info.request_id.empty()) out.info.request_id = NewRequestId();
  out.info.degradations = std::move(request->degradations);
  out.request = *std::move(request);
  return out;
}

async::Task<Result<Outgoing>> HttpEngine::EncodeAsked(async::Context ctx, const model::Call& call,
                                                      bool stream) {
  WEIR_CO_TRY(wire::Dialect dialect, co_await dialect_.Ask(ctx));
  co_return Encode(ctx, call, stream, std::move(dialect));
}

// The reply, with what is known of its request.
Result<model::Reply> HttpEngine::Decode(const async::Context& ctx, Outgoing& out,
                                        std::string_view body) const {
  async::Span span(ctx, "wire.decode");
  Result<model::Reply> reply = adapter_->Decode(out.api, body);
  if (reply && out.request.quoted_answer) {
    for (model::Choice& choice : reply->choices) choice.text = wire::Unquoted(choice.text);
  }
  if (reply && IsAborted(*reply)) {
    reply = std::unexpected<Error>(AbortedAnswer(upstream_->name()));
  } else if (reply && std::ranges::all_of(reply->choices, IsEmpty)) {
    reply = std::unexpected<Error>(EmptyReply(upstream_->name()));
  }
  if (!reply) {
    HideSecrets(*upstream_->secrets(), reply.error());
    span.Fail(reply.error());
    return reply;
  }
  reply->info.engine = std::move(out.info.engine);
  reply->info.request_id = std::move(out.info.request_id);
  reply->info.degradations = std::move(out.info.degradations);
  reply->info.total = out.info.total;
  return reply;
}

bool HttpEngine::IsNews(std::string what) {
  const std::scoped_lock lock(warned_mutex_);
  return warned_of_.size() < kMostWarnings && warned_of_.insert(std::move(what)).second;
}

// What becomes of a raw field is the same for call after call: the first time it is worth an event,
// and then no more than a note.
void HttpEngine::WarnOfExtra(const async::Context& ctx, const model::Call& call,
                             model::ReplyInfo& info) {
  if (ctx.trace == nullptr) return;
  for (model::Degradation& change : info.degradations) {
    const bool is_raw =
        call.extra.Find(change.what).exists() || options_.extra.Find(change.what).exists();
    if (!is_raw) continue;
    change.routine = true;
    if (!IsNews(StrCat("extra ", change.what))) continue;
    ctx.Emit("engine.warning", {{"engine", options_.name},
                                {"message", StrCat("extra: ", change.what, ": ", change.why)}});
  }
}

void HttpEngine::WarnOfPromptLogprobs(const async::Context& ctx, const model::Call& call) {
  const bool costs = options_.kind == wire::ServerKind::kVllm &&
                     call.sampling.prompt_logprobs.value_or(0) != 0 && ctx.trace != nullptr;
  if (!costs || !IsNews("prompt_logprobs")) return;
  ctx.Emit("engine.warning",
           {{"engine", options_.name},
            {"message",
             "vLLM reads nothing of its prefix cache for calls with prompt_logprobs: their prompts "
             "are worked through each time; leave it out where it is not needed"}});
}

std::unique_ptr<WireLog> HttpEngine::NewLog(const async::Context& ctx,
                                            const model::Call& call) const {
  if (!options_.tells_bytes || ctx.trace == nullptr) return nullptr;
  const std::string& asked = call.adapter.empty() ? call.model : call.adapter;
  return std::make_unique<WireLog>(ctx, WireLogFor{.engine = options_.name,
                                                   .provider = std::string(adapter_->kind()),
                                                   .model = asked.empty() ? options_.model : asked,
                                                   .request_id = std::string(ctx.request_id)});
}

async::Task<Result<model::Reply>> HttpEngine::Gather(async::Context ctx, const model::Call& call) {
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await Stream(ctx, call));
  Result<model::Reply> reply = co_await model::Collect(ctx, *stream);
  if (reply && IsAborted(*reply)) {
    co_return Fail(About(call, AbortedAnswer(upstream_->name()), ctx));
  }
  co_return reply;
}

// A good status without an event stream: a JSON error, a whole reply from a server that cannot
// stream, or the page of a proxy.
async::Task<Error> HttpEngine::NotAStream(async::Context ctx, model::Api api,
                                          http::Response& response, WireLog* log) {
  const std::string type(response.headers().Find("Content-Type").value_or("no content type"));
  // The beginning of a page is enough for a message.
  const bool json = IsJson(type);
  const std::size_t most = json ? limits::kReplyBodyBytes : limits::kErrorBodyBytes;
  std::string body;
  const Result<void> whole = co_await ReadBody(ctx, response, most, log, body);
  const bool too_long = !whole && whole.error().code == Code::kProtocolError;
  if (!whole && (!too_long || json || body.empty())) co_return whole.error();
  const std::string answered =
      StrCat(upstream_->name(), " answered a streamed call with ", response.status(), " and ");
  if (adapter_->Decode(api, body)) {
    co_return Error{.code = Code::kProtocolError,
                    .message = StrCat(answered,
                                      "a whole reply: it does not stream; ask it for whole replies "
                                      "(--no-stream, and no `stream_inside` of the engine)")};
  }
  Error error{.code = Code::kProtocolError,
              .message = StrCat(answered, type,
                                " instead of an event stream; is this the address of a model "
                                "server, or does a proxy stand in front of it?")};
  const bool says_why = Trim(body).starts_with('<') || HoldsError(body);
  error.cause = says_why ? wire::DecodeError(response.status(), body).message
                         : Truncate(Trim(body), kShownBytes);
  co_return error;
}

}  // namespace

async::Task<Result<std::vector<model::ModelEntry>>> ListModels(async::Context ctx,
                                                               Upstream& upstream,
                                                               const Adapter& adapter) {
  const std::vector<std::string_view> paths = adapter.ModelPaths();
  for (std::size_t i = 0;; ++i) {
    Result<std::unique_ptr<http::Response>> response =
        co_await upstream.Exchange(ctx, "GET", paths[i], "", upstream.options().timeouts);
    const bool elsewhere = !response && response.error().http_status == kNotFound;
    if (elsewhere && i + 1 < paths.size()) continue;
    if (!response) co_return Fail(std::move(response).error());
    WEIR_CO_TRY(const std::string body,
                co_await (*response)->ReadAll(ctx, limits::kReplyBodyBytes));
    co_return adapter.DecodeModels(body);
  }
}

Result<std::unique_ptr<model::Engine>> NewHttpEngine(HttpEngineOptions options,
                                                     http::Client& client) {
  WEIR_TRY(std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  std::unique_ptr<Adapter> adapter = NewAdapter(options.kind);
  return std::make_unique<HttpEngine>(std::move(options), std::move(adapter), std::move(upstream));
}

Result<RequestPreview> PreviewRequest(const HttpEngineOptions& options, http::Client& client,
                                      const model::Call& call, bool stream) {
  WEIR_TRY(const std::unique_ptr<Upstream> upstream, Upstream::Make(options.upstream, client));
  const std::unique_ptr<Adapter> adapter = NewAdapter(options.kind);
  const wire::EncodeOptions how{
      .dialect = options.upstream.dialect.value_or(adapter->DialectOf("")),
      .stream = stream,
      .degrade = options.degrade};
  WEIR_CHECK(CheckLogprobs(options, call.sampling));
  WEIR_TRY(const model::Call ready, Prepared(options, call));
  const std::string assumed =
      options.upstream.dialect || !adapter->VersionsDiffer()
          ? std::string()
          : StrCat("the server was not asked for its version, and ", how.dialect.name,
                   " is assumed; `dialect:` of the engine settles it");
  Result<wire::EncodedRequest> encoded = adapter->Encode(ready, how);
  if (!encoded) {
    if (DependsOnDialect(encoded.error()) && !assumed.empty()) {
      StrAppend(encoded.error().message, " (", assumed, ")");
    }
    return Fail(std::move(encoded).error());
  }
  RequestPreview preview = upstream->Preview("POST", encoded->path, std::move(encoded->body));
  if (encoded->version_matters && !assumed.empty()) preview.notes.push_back(assumed);
  for (const model::Degradation& left : encoded->degradations) {
    preview.notes.push_back(StrCat(left.what, ": ", left.why));
  }
  return preview;
}

}  // namespace weir::engine
