#include "weir/engine/upstream.h"

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/http/error_advice.h"

namespace weir::engine {
namespace {

const std::string kUserAgent = StrCat("weir/", kVersion);

// Reads a little of an error's body: enough for a message, never enough to hurt.
async::Task<Error> ErrorOf(async::Context ctx, http::Response& response, WireLog* log) {
  const std::string retry_after(response.headers().Find("Retry-After").value_or(""));
  const int status = response.status();
  std::string body;
  // What was read of a body that breaks off, or is too long, is worth a message, too.
  static_cast<void>(co_await ReadBody(ctx, response, limits::kErrorBodyBytes, log, body));
  co_return wire::DecodeError(status, body, retry_after);
}

// A 404 and a 405 are mostly about the address: say which one was asked.
void NameAddress(Error& error, std::string_view method, const std::string& base_url,
                 std::string_view path) {
  if (error.http_status != 404 && error.http_status != 405) return;
  StrAppend(error.message, " (asked: ", method, " ", base_url, path, "; the base URL is ", base_url,
            ")");
}

// Shorter ones are words, such as EMPTY, that a sentence may need.
constexpr std::size_t kShortestSecret = 6;

// What of a header's value is the key: "Bearer KEY".
Secrets SecretsOf(const http::Headers& fields) {
  Secrets secrets;
  for (const http::Header field : fields) {
    const std::string_view key = field.value.substr(field.value.rfind(' ') + 1);
    if (IsSecretName(field.name) && key.size() >= kShortestSecret) secrets.emplace_back(key);
  }
  return secrets;
}

void Hide(const std::string& secret, std::string& text) {
  for (std::size_t at = 0; (at = text.find(secret, at)) != text.npos;) {
    text.replace(at, secret.size(), "***");
  }
}

http::Headers FieldsOf(const UpstreamOptions& options, std::string_view method) {
  http::Headers headers{{"User-Agent", kUserAgent}, {"Accept", "*/*"}};
  if (method != "GET") headers.Add("Content-Type", "application/json");
  const std::optional<std::string> authorization =
      wire::Authorization(options.auth, options.api_key);
  if (authorization) headers.Add("Authorization", *authorization);
  for (const http::Header header : options.headers) headers.Set(header.name, header.value);
  return headers;
}

}  // namespace

void HideSecrets(const Secrets& secrets, Error& error) {
  for (const std::string& secret : secrets) {
    Hide(secret, error.message);
    Hide(secret, error.cause);
  }
}

std::string_view WhenRefused(wire::ServerKind kind) {
  switch (kind) {
    case wire::ServerKind::kVllm:
      return " A vLLM refuses connections while it loads its model (its /health answers once it is "
             "ready), and from other machines if it was started without --host 0.0.0.0";
    case wire::ServerKind::kOllama:
      return " `ollama serve` starts it, with OLLAMA_HOST=0.0.0.0 for other machines";
    case wire::ServerKind::kOpenAi:
      return "";
  }
  std::unreachable();
}

async::Task<Result<void>> ReadBody(async::Context ctx, http::Response& response,
                                   std::size_t max_bytes, WireLog* log, std::string& body) {
  const Result<void> whole = co_await response.ReadInto(ctx, max_bytes, body);
  if (log != nullptr) log->Came(body);
  co_return whole;
}

Upstream::Upstream(UpstreamOptions options, http::Client& client, http::Origin origin,
                   http::FieldBlock get_fields, http::FieldBlock post_fields)
    : options_(std::move(options)),
      client_(client),
      origin_(std::move(origin)),
      get_fields_(std::move(get_fields)),
      post_fields_(std::move(post_fields)),
      secrets_(std::make_shared<Secrets>(SecretsOf(FieldsOf(options_, "POST")))) {}

Result<std::unique_ptr<Upstream>> Upstream::Make(UpstreamOptions options, http::Client& client) {
  options.base_url = wire::NormalizeBaseUrl(options.base_url);
  WEIR_TRY(http::Url url, http::ParseUrl(options.base_url));
  http::Origin origin = http::MakeOrigin(std::move(url));
  WEIR_TRY(http::FieldBlock get_fields, http::FixedFields(FieldsOf(options, "GET")));
  WEIR_TRY(http::FieldBlock post_fields, http::FixedFields(FieldsOf(options, "POST")));
  return std::unique_ptr<Upstream>(new Upstream(std::move(options), client, std::move(origin),
                                                std::move(get_fields), std::move(post_fields)));
}

RequestPreview Upstream::Preview(std::string_view method, std::string_view path,
                                 std::string body) const {
  RequestPreview preview{.method = std::string(method),
                         .url = StrCat(options_.base_url, path),
                         .headers = {},
                         .body = std::move(body),
                         .notes = {}};
  for (const http::Header header : FieldsOf(options_, method)) {
    const bool secret = IsSecretName(header.name);
    preview.headers.Add(header.name, secret ? RedactValue(header.value) : header.value);
  }
  preview.headers.Add("Host", origin_.authority);
  preview.headers.Add("X-Request-Id", "(new for each try)");
  if (client_.options().accept_gzip) preview.headers.Add("Accept-Encoding", "gzip");
  preview.headers.Add("Content-Length", std::to_string(preview.body.size()));
  return preview;
}

async::Task<Result<std::unique_ptr<http::Response>>> Upstream::Send(async::Context ctx,
                                                                    std::string_view method,
                                                                    std::string_view path,
                                                                    std::string body,
                                                                    model::Timeouts timeouts) {
  const http::Header id{"X-Request-Id", ctx.request_id};
  http::Request request{
      .method = method,
      .target = path,
      .fixed = method == "GET" ? &get_fields_ : &post_fields_,
      .headers = {&id, ctx.request_id.empty() ? 0U : 1U},
      .body = std::move(body),
      .timeouts = {
          .connect = timeouts.connect, .first_token = timeouts.first_token, .idle = timeouts.idle}};
  async::Task<Result<std::unique_ptr<http::Response>>> sent = client_.Send(ctx, origin_, request);
  Result<std::unique_ptr<http::Response>>& response = co_await sent;
  if (!response && http::NothingListens(response.error())) {
    response.error().message += options_.when_refused;
  }
  co_return std::move(sent);
}

async::Task<Result<std::unique_ptr<http::Response>>> Upstream::Exchange(
    async::Context ctx, std::string_view method, std::string_view path, std::string body,
    model::Timeouts timeouts, WireLog* log) {
  async::Span span(ctx, "engine.upstream");
  if (ctx.trace != nullptr) span.SetDetail(StrCat(method, " ", options_.base_url, path));
  if (log != nullptr) log->Sent(path, body);
  Result<std::unique_ptr<http::Response>> response =
      co_await Send(span.context(), method, path, std::move(body), timeouts);
  if (response && log != nullptr) log->Answered((*response)->status());
  if (response && (*response)->status() / 100 != 2) {
    response = std::unexpected<Error>(co_await ErrorOf(span.context(), **response, log));
    NameAddress(response.error(), method, options_.base_url, path);
  }
  if (!response) {
    HideSecrets(*secrets_, response.error());
    span.Fail(response.error());
  }
  co_return response;
}

async::Task<Result<Upstream::Answer>> Upstream::Inquire(async::Context ctx, std::string_view method,
                                                        std::string_view path, std::string body) {
  async::Span span(ctx, "engine.upstream");
  if (ctx.trace != nullptr) span.SetDetail(StrCat(method, " ", options_.base_url, path));
  const Result<std::unique_ptr<http::Response>> response =
      co_await Send(span.context(), method, path, std::move(body), options_.timeouts);
  if (!response) {
    span.Fail(response.error());
    co_return Fail(response.error());
  }
  Answer answer{.status = (*response)->status(), .body = {}};
  WEIR_CO_TRY(answer.body, co_await (*response)->ReadAll(span.context(), limits::kReplyBodyBytes));
  co_return answer;
}

}  // namespace weir::engine
