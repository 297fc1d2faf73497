#include "weir/engine/upstream.h"

#include "weir/base/redact.h"
#include "weir/base/text.h"

namespace weir::engine {
namespace {

// Reads a little of an error's body: enough for a message, never enough to hurt.
async::Task<Error> ErrorOf(async::Context ctx, http::Response& response) {
  const std::string* after = response.headers().Find("Retry-After");
  const std::string retry_after = after == nullptr ? "" : *after;
  const int status = response.status();
  const Result<std::string> body = co_await response.ReadAll(ctx, limits::kErrorBodyBytes);
  co_return wire::DecodeError(status, body ? *body : "", retry_after);
}

}  // namespace

Upstream::Upstream(UpstreamOptions options, http::Client& client, http::Origin origin)
    : options_(std::move(options)), client_(client), origin_(std::move(origin)) {}

Result<std::unique_ptr<Upstream>> Upstream::Make(UpstreamOptions options, http::Client& client) {
  options.base_url = wire::NormalizeBaseUrl(options.base_url);
  WEIR_TRY(http::Url url, http::ParseUrl(options.base_url));
  http::Origin origin = http::MakeOrigin(std::move(url));
  return std::unique_ptr<Upstream>(new Upstream(std::move(options), client, std::move(origin)));
}

http::Headers Upstream::HeadersFor(std::string_view method, std::string_view request_id) const {
  http::Headers headers{{"User-Agent", "weir/0.1"}, {"Accept", "*/*"}};
  if (method != "GET") headers.Add("Content-Type", "application/json");
  const std::optional<std::string> authorization =
      wire::Authorization(options_.auth, options_.api_key);
  if (authorization) headers.Add("Authorization", *authorization);
  if (!request_id.empty()) headers.Add("X-Request-Id", request_id);
  for (const http::Header& header : options_.headers) headers.Set(header.name, header.value);
  return headers;
}

RequestPreview Upstream::Preview(std::string_view method, std::string_view path,
                                 std::string body) const {
  RequestPreview preview{.method = std::string(method),
                         .url = StrCat(options_.base_url, path),
                         .headers = HeadersFor(method, ""),
                         .body = std::move(body)};
  for (const http::Header& header : http::Headers(preview.headers)) {
    if (IsSecretName(header.name)) preview.headers.Set(header.name, RedactValue(header.value));
  }
  return preview;
}

async::Task<Result<std::unique_ptr<http::Response>>> Upstream::Exchange(async::Context ctx,
                                                                        std::string_view method,
                                                                        std::string_view path,
                                                                        std::string body,
                                                                        model::Timeouts timeouts) {
  async::Span span(ctx, "engine.upstream");
  http::Request request{
      .method = method,
      .target = std::string(path),
      .headers = HeadersFor(method, ctx.request_id),
      .body = std::move(body),
      .timeouts = {
          .connect = timeouts.connect, .first_token = timeouts.first_token, .idle = timeouts.idle}};
  Result<std::unique_ptr<http::Response>> response =
      co_await client_.Send(span.context(), origin_, request);
  if (response && (*response)->status() / 100 != 2) {
    Error error = co_await ErrorOf(span.context(), **response);
    response = Result<std::unique_ptr<http::Response>>(std::unexpect, std::move(error));
  }
  if (ctx.trace != nullptr) span.SetDetail(StrCat(method, " ", options_.base_url, path));
  co_return span.End(std::move(response));
}

}  // namespace weir::engine
