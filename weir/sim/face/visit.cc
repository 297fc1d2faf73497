#include "weir/sim/face/visit.h"

#include <algorithm>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/wire/ollama_server.h"
#include "weir/wire/openai_server.h"
#include "weir/wire/python_text.h"
#include "weir/wire/request_reader.h"

namespace weir::sim {
namespace {

using wire::ServerKind;

// What an account may do in a minute, and how many bytes OpenAI takes for a token beforehand.
constexpr std::int64_t kMinuteRequests = 10'000;
constexpr std::int64_t kMinuteTokens = 2'000'000;
constexpr std::int64_t kTokenBytes = 4;
constexpr std::int64_t kMinuteMillis = 60'000;

bool IsLimited(std::string_view path) {
  return path.ends_with("/completions") || path == "/v1/responses" || path == "/v1/embeddings";
}

// The limits as they stand for an account that sends one request at a time: what it has used up is
// there again before the next.
void AddLimits(const Visit& visit, http::Headers& headers) {
  const auto bytes = static_cast<std::int64_t>(visit.exchange.body().size());
  const std::int64_t tokens = std::min(bytes / kTokenBytes + 1, kMinuteTokens);
  headers.Add("x-ratelimit-limit-requests", StrCat(kMinuteRequests));
  headers.Add("x-ratelimit-limit-tokens", StrCat(kMinuteTokens));
  headers.Add("x-ratelimit-remaining-requests", StrCat(kMinuteRequests - 1));
  headers.Add("x-ratelimit-remaining-tokens", StrCat(kMinuteTokens - tokens));
  headers.Add("x-ratelimit-reset-requests", StrCat(kMinuteMillis / kMinuteRequests, "ms"));
  const std::int64_t reset = std::max<std::int64_t>(1, tokens * kMinuteMillis / kMinuteTokens);
  headers.Add("x-ratelimit-reset-tokens", StrCat(reset, "ms"));
}

void AddOpenAiHeaders(const Visit& visit, http::Headers& headers) {
  const bool still = visit.core.options().deterministic;
  const std::string& body = visit.exchange.body();
  const auto moment = static_cast<std::uint64_t>(still ? 0 : visit.WallNanos());
  Random random(StableHash(body.data(), body.size(), moment));
  headers.Add("x-request-id", StrCat("req_", HexId(random, 32)));
  if (!visit.path().starts_with("/v1/")) return;
  const Duration took = still ? Duration() : visit.exchange.context().Now() - visit.began;
  headers.Add("openai-version", "2020-10-01");
  headers.Add("openai-processing-ms",
              StrCat(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
  if (IsLimited(visit.path())) AddLimits(visit, headers);
}

// What stands behind "Bearer" in the request.
std::optional<std::string_view> KeyOf(const Visit& visit) {
  const auto given = visit.exchange.head().headers.Find("Authorization");
  if (!given || !given->contains(' ')) return std::nullopt;
  return given->substr(given->find(' ') + 1);
}

// What the server of the dialect says of itself.
http::Headers OwnHeaders(const Visit& visit, std::string_view content_type) {
  http::Headers headers;
  if (visit.dialect().kind == wire::ServerKind::kVllm) headers.Add("server", "uvicorn");
  if (visit.dialect().kind == ServerKind::kOllama && content_type == "application/json") {
    content_type = "application/json; charset=utf-8";
  }
  if (!content_type.empty()) headers.Add("content-type", content_type);
  if (visit.dialect().kind == ServerKind::kOpenAi) {
    AddOpenAiHeaders(visit, headers);
    return headers;
  }
  const std::optional<std::string_view> id = visit.exchange.head().headers.Find("X-Request-Id");
  if (visit.core.options().switches.request_id_headers && id) headers.Add("x-request-id", *id);
  return headers;
}

}  // namespace

std::string_view Visit::path() const {
  const std::string_view target = exchange.head().target;
  return target.substr(0, target.find('?'));
}

std::string_view Visit::Query(std::string_view name) const {
  std::string_view rest = exchange.head().target;
  const std::size_t mark = rest.find('?');
  if (mark == rest.npos) return {};
  for (const std::string_view pair : Split(rest.substr(mark + 1), '&')) {
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != pair.npos) return pair.substr(equals + 1);
  }
  return {};
}

http::Headers AnswerHeaders(const Visit& visit, std::string_view content_type) {
  http::Headers headers = OwnHeaders(visit, content_type);
  if (visit.script == nullptr) return headers;
  for (const auto& [name, value] : visit.script->headers) headers.Set(name, value);
  return headers;
}

async::Task<void> RespondText(Visit& visit, int status, std::string_view content_type,
                              std::string body) {
  const http::Headers headers = AnswerHeaders(visit, content_type);
  visit.status = status;
  (void)co_await visit.exchange.Respond(status, headers, body);
}

async::Task<void> RespondJson(Visit& visit, int status, std::string body) {
  return RespondText(visit, status, "application/json", std::move(body));
}

async::Task<void> RespondEmpty(Visit& visit, int status) {
  return RespondText(visit, status, "", "");
}

async::Task<void> RespondError(Visit& visit, Refusal refusal) {
  http::Headers headers = AnswerHeaders(visit, "application/json");
  for (const http::Header& field : refusal.headers) headers.Set(field.name, field.value);
  const bool ollama = visit.dialect().kind == ServerKind::kOllama;
  const std::string body = ollama && visit.path().starts_with("/api/")
                               ? wire::EncodeOllamaError(refusal.error)
                               : wire::EncodeError(refusal.error, visit.dialect());
  visit.status = refusal.error.status;
  (void)co_await visit.exchange.Respond(refusal.error.status, headers, body);
}

async::Task<void> RespondUnauthorized(Visit& visit) {
  Refusal refusal;
  refusal.error = {.status = 401, .type = "", .message = "Unauthorized"};
  if (visit.dialect().kind == ServerKind::kOpenAi) refusal.error = wire::WrongKey(KeyOf(visit));
  co_await RespondError(visit, std::move(refusal));
}

async::Task<void> RespondLost(Visit& visit, std::string_view allowed) {
  const int status = allowed.empty() ? 404 : 405;
  const bool plain = visit.dialect().kind == ServerKind::kOllama;
  http::Headers headers = AnswerHeaders(visit, plain ? "text/plain" : "application/json");
  if (!allowed.empty()) headers.Add("allow", allowed);
  std::string body =
      allowed.empty() ? R"({"detail":"Not Found"})" : R"({"detail":"Method Not Allowed"})";
  if (plain) {
    body = allowed.empty() ? "404 page not found" : "405 method not allowed";
  } else if (visit.dialect().kind == ServerKind::kOpenAi) {
    body = wire::EncodeError(wire::UnknownUrl(status, visit.exchange.head().method, visit.path()),
                             visit.dialect());
  }
  visit.status = status;
  (void)co_await visit.exchange.Respond(status, headers, body);
}

std::optional<Refusal> RefuseMedia(const Visit& visit) {
  if (visit.dialect().kind != ServerKind::kVllm) return std::nullopt;
  const auto type = visit.exchange.head().headers.Find("Content-Type");
  const std::string_view media = type ? type->substr(0, type->find(';')) : std::string_view();
  if (EqualsIgnoreCase(Trim(media), "application/json")) return std::nullopt;
  constexpr std::string_view kOnlyJson =
      "Unsupported Media Type: Only 'application/json' is allowed";
  const bool listed = visit.dialect().error_shape == wire::ErrorShape::kFlat;
  const std::string entry = listed ? wire::PythonRepr(kOnlyJson) : std::string(kOnlyJson);
  Refusal refusal;
  refusal.error = wire::ValidationError({entry}, "", visit.dialect());
  refusal.error.param.reset();
  return refusal;
}

}  // namespace weir::sim
